// What to write instead, where a device's memory has no place.
import { formatSize } from '@vpmem/options';
import { LEAST_TOTAL, powerOfTwo } from '../command-line/hot-plug-room.ts';
import type { PlugBuses } from './plug-bus.ts';

/** From here to 1 TiB an AMD processor has its interrupts, and Linux uses nothing. */
const HYPER_TRANSPORT = 0xfd_0000_0000;
const TIB = 2 ** 40;
const GIB = 2 ** 30;

/** UEFI firmware (OVMF) gives PCI an eighth of what the processor reaches; half of that is left for other things. */
const EIGHTH_AND_HALF = 4;

/**
 * Why a guest cannot address such memory all at once, and with which processor it could; undefined if it can. Each piece, a
 * power of two, lies at a multiple of its size; the first 4 GiB are taken.
 */
export function addressAdvice(sizes: readonly number[], bits: number, amd: boolean): string | undefined {
  if (fits(sizes, bits, amd)) return undefined;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const enough = Math.log2(powerOfTwo(total)) + EIGHTH_AND_HALF;
  const what = sizes.length > 1 ? `its memory, with that of other devices ${formatSize(total)},` : `its ${formatSize(total)} of memory`;
  const kept = amd && bits === 40 ? ', and an AMD processor keeps the last 12G of that' : '';
  return `${what} has no place in the guest's address space: phys-bits too low (${bits}), they reach ${formatSize(2 ** bits)}${kept}; start the VM with -cpu …,phys-bits=${enough}, or with KVM -cpu host,host-phys-bits=on on a host that has as many`;
}

/** Whether pieces have a place below the end of the address space, the biggest first. */
function fits(sizes: readonly number[], bits: number, amd: boolean): boolean {
  const ranges = [{ base: 0, end: 4 * GIB }, ...(amd ? [{ base: HYPER_TRANSPORT, end: TIB }] : [])];
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
