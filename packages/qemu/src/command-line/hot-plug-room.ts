// Where devices can go that are plugged in while the VM runs. A BAR lies at a multiple of its own size in a window that
// firmware has set up at boot and Linux does not enlarge. Tried with SeaBIOS and Linux 6.12 on QEMU 11.1.3:
//
// - q35, root port without pref64-reserve: no BAR of 256 MiB or more. With a reserve that is a power of two, the same for
//   every port, and not less than the BAR: works.
// - Firmware puts all windows together below the end of the address space. Where the processor is AMD's (as TCG's is unless
//   -cpu says otherwise), Linux uses nothing of the last 12 GiB below 1 TiB; windows of 12 GiB and more in sum lie before it.
// - pc: 2 GiB of 64-bit space in all, and none of it usable beside a big device that is there at boot. A bridge with a
//   reserve works in both cases.
import { defineProperties, formatSize, parseOption, property, readProperties } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { itemsOf } from './item-properties.ts';
import { machineFamily } from './machine-family.ts';
import { QemuError } from '../qemu-error.ts';

const GIB = 2 ** 30;
/** What a window is made of. */
const LEAST_RESERVE = 2 ** 21;
/** Of all root ports together, see above. */
export const LEAST_TOTAL = 16 * GIB;
const BRIDGE_RESERVE = 32 * GIB;
/** Numbers that physical ports are known by; QEMU wants each once. People count from 0 or 1. */
const FIRST_CHASSIS = 200;
/** Slots that a q35 has left. */
const MOST_PORTS = 24;

const rootPortProperties = defineProperties({
  count: property.int({ required: true, min: 1, max: MOST_PORTS, description: 'how many' }),
  'pref64-reserve': property.size({ default: 16 * GIB, description: 'address space behind each: not less than the biggest device' }),
});

/** Root ports to be made at start. */
export interface RootPorts {
  readonly count: number;
  /** Bytes of address space behind each, a power of two. */
  readonly reserve: number;
}

/** `N[,pref64-reserve=SIZE]`. @throws OptionError, QemuError */
export function parseRootPorts(text: string): RootPorts {
  const { count, 'pref64-reserve': reserve } = readProperties(rootPortProperties, parseOption(text, { grammar: 'qemuopts', impliedKey: 'count' }));
  if (!Number.isInteger(Math.log2(reserve)) || reserve < LEAST_RESERVE) {
    const up = formatSize(Math.max(LEAST_RESERVE, powerOfTwo(reserve)));
    throw new QemuError('bad-option', `pref64-reserve=${formatSize(reserve)} is not a power of two of at least 2M, and a window lines up with a device's memory only then; write ${up}`);
  }
  return { count, reserve };
}

/**
 * What has to be added to a command line so that devices can be plugged in later: on a `q35` the root ports asked for, on a
 * `pc` a bridge, unless the line has one with a reserve. They are on the main bus, which QEMU does not mean where the line has
 * an expander (pxb). They come last, so nothing of the VM's own changes its slot.
 *
 * @throws QemuError where the machine cannot have root ports
 */
export function hotPlugRoom(items: readonly CommandLineItem[], rootPorts?: RootPorts): string[] {
  const family = machineFamily(items);
  if (rootPorts !== undefined && family !== 'q35') {
    const instead = family === 'pc' ? 'the machine is a pc, which takes devices without; leave it out or write -machine q35' : 'write -machine q35';
    throw new QemuError('not-supported', `--root-ports: root ports are for PCI Express: ${instead}`);
  }
  if (rootPorts !== undefined) return ports(rootPorts);
  const reserved = itemsOf(items, 'device', 'driver').some(({ properties }) => 'pref64-reserve' in properties);
  return family !== 'pc' || reserved ? [] : ['-device', `pci-bridge,id=vpmem-bridge,bus=pci.0,chassis_nr=${FIRST_CHASSIS},pref64-reserve=${formatSize(BRIDGE_RESERVE)}`];
}

function ports({ count, reserve }: RootPorts): string[] {
  const size = formatSize(Math.max(reserve, powerOfTwo(LEAST_TOTAL / count)));
  return Array.from({ length: count }, (_, i) => ['-device', `pcie-root-port,id=vpmem-port${i},bus=pcie.0,chassis=${FIRST_CHASSIS + i},pref64-reserve=${size}`]).flat();
}

/** The least power of two that is not less. */
export function powerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}
