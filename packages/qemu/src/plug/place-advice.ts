// What to write instead, where a device's memory has no place.
import { formatSize } from '@vpmem/options';
import { LEAST_TOTAL, powerOfTwo } from '../command-line/hot-plug-room.ts';
import type { PlugBuses } from './plug-bus.ts';

/** From here to 1 TiB an AMD processor has its interrupts, and Linux uses nothing. */
const HYPER_TRANSPORT = 0xfd_0000_0000;
const TIB = 2 ** 40;
const GIB = 2 ** 30;

/**
 * Why a guest cannot address such memory all at once, and with which processor it could; undefined if it can. Each piece, a
 * power of two, lies at a multiple of its size; the first 4 GiB are taken.
 *
 * @param taken bytes that RAM has above the first 4 GiB, at least
 */
export function addressAdvice(sizes: readonly number[], bits: number, amd: boolean, taken = 0): string | undefined {
  if (fits(sizes, bits, amd, taken)) return undefined;
  let enough = bits + 1;
  while (enough < MOST_BITS && !fits(sizes, enough, amd, taken)) enough++;
  const total = formatSize(sizes.reduce((sum, size) => sum + size, 0));
  const kept = amd && bits === 40 ? ', of which an AMD processor keeps the last 12G' : '';
  return `its ${total} of memory ${sizes.length > 1 ? '(with the other devices) ' : ''}has no place in the address space of the guest: phys-bits too low (${bits}), they reach ${formatSize(2 ** bits)}${kept}; start the VM with -cpu …,phys-bits=${enough} (KVM: host-phys-bits=on)`;
}

const MOST_BITS = 52;

/** Whether pieces have a place below the end of the address space, the biggest first. */
function fits(sizes: readonly number[], bits: number, amd: boolean, taken: number): boolean {
  const ranges = [{ base: 0, end: 4 * GIB + taken }, ...(amd ? [{ base: HYPER_TRANSPORT, end: TIB }] : [])];
  for (const size of [...sizes].sort((a, b) => b - a)) {
    let base = 0;
    for (let hit; (hit = ranges.find((range) => range.base < base + size && base < range.end)) !== undefined; ) base = Math.ceil(hit.end / size) * size;
    if (base + size > 2 ** bits) return false;
    ranges.push({ base, end: base + size });
  }
  return true;
}

/** Address space behind bridges that would do. */
export function reserveAdvice({ family, buses, addressBits, amd }: PlugBuses, size: number): string {
  const bar = powerOfTwo(size);
  if (family === 'q35') {
    const ours = `vpmem qemu --root-ports N,pref64-reserve=${formatSize(bar)} (or more) for N devices`;
    const ports = buses.filter(({ kind }) => kind === 'port').length;
    if (ports === 0) return `start the VM with ${ours}`;
    // Windows that come to as much in sum lie before the stretch an AMD processor keeps.
    const each = formatSize(amd ? Math.max(bar, powerOfTwo(LEAST_TOTAL / ports)) : bar);
    return `start the VM with pref64-reserve=${each} for each of its root ports (${ports}), or with ${ours}`;
  }
  return `start the VM with -device pci-bridge,id=bridge,chassis_nr=1,pref64-reserve=SIZE, a power of two of at least 16G, and twice the ${formatSize(bar)} it needs${addressBits < 40 ? ' (as far as its address bits reach)' : ''}`;
}
