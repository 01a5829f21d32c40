// QEMU 10.1 to 11.1 abort when the unplug of a vfio-user function completes that they know MSI-X of: the memory of its pending
// bits is taken out of a container that it has already left. None is known yet that does not. Whoever has it unplugged, a
// monitor or the guest itself, the VM is gone. With `unplug=on` QEMU does not know of it, see `covered-msix.ts` in vfio-user.
import { ForeignError, MachineError, readDevice } from '@vpmem/machine';
import type { PropertySource } from '@vpmem/options';
import { QemuError } from '../qemu-error.ts';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';
import { readBusTree, withAllBelow, withBusesBelow } from './bus-tree.ts';

/** A device of ours, as far as its end matters. */
export interface Unpluggable {
  readonly id: string;
  /** MSI-X vectors; 0: INTx. */
  readonly vectors: number;
  /** Whether QEMU knows nothing of them. */
  readonly unplug: boolean;
}

/** What `--unplug` says: whether devices are plugged in so that they can be unplugged; `auto`: where QEMU can. */
export type UnplugChoice = 'on' | 'off' | 'auto';

/** The first QEMU that writes what it is sent as DMA to where it belongs. */
const DMA_WRITES = { major: 11, minor: 1 };

/** @throws QemuError */
export function parseUnplug(text: string): UnplugChoice {
  if (text !== 'on' && text !== 'off' && text !== 'auto') throw new QemuError('bad-option', `--unplug ${text}: it is on, off or auto`);
  return text;
}

/** What a VM can do about devices that are unplugged. */
export interface UnplugPolicy {
  /** Whether its QEMU can have devices with `unplug=on`. */
  readonly able: boolean;
  /** Whether devices that do not say otherwise have it. */
  readonly byDefault: boolean;
}

/** @throws QemuError if something is wanted of a QEMU that cannot do it */
export function unplugPolicy(choice: UnplugChoice, qemuVersion: string): UnplugPolicy {
  const able = writesDma(qemuVersion);
  if (choice === 'on' && !able) {
    throw new QemuError('not-supported', `--unplug on: QEMU ${qemuVersion} cannot deliver the interrupts of such devices, ${DMA_WRITES.major}.${DMA_WRITES.minor} can; leave it out, and give devices that are to be unplugged vectors=0`);
  }
  return { able, byDefault: choice !== 'off' && able };
}

function writesDma(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > DMA_WRITES.major || (major === DMA_WRITES.major && minor >= DMA_WRITES.minor);
}

/** A device that does not say whether it can be unplugged is as the others. @throws OptionError, MachineError */
export function withUnplug(source: PropertySource, { able, byDefault }: UnplugPolicy): PropertySource {
  if (byDefault && source.properties.unplug === undefined) return { ...source, properties: { ...source.properties, unplug: source.form === 'json' ? true : 'on' } };
  if (able || !readDevice(source).unplug) return source;
  throw new MachineError('not-supported', 'unplug', `unplug=on: this QEMU cannot deliver the interrupts of such a device, ${DMA_WRITES.major}.${DMA_WRITES.minor} can; write vectors=0`);
}

/**
 * Refuses to unplug what would end the VM: a function of ours with MSI-X that QEMU knows of, one that shares a slot with such
 * a function, since a guest gives up whole slots, or a bridge with one behind it.
 *
 * @param id of QEMU's device that is to go, or its path in the object tree
 * @throws MachineError `not-supported`
 */
export async function checkUnplug(qemu: QemuMonitor, id: string, ours: readonly Unpluggable[]): Promise<void> {
  const deadly = ours.filter(({ vectors, unplug }) => vectors > 0 && !unplug);
  if (deadly.length === 0) return;
  const gone = await leaving(qemu, id);
  const device = deadly.find((each) => gone.includes(each.id));
  if (device === undefined) return;
  const which = device.id === id ? `device '${id}' has` : `with '${id}' goes device '${device.id}', which has`;
  throw new MachineError(
    'not-supported',
    'id',
    `${which} MSI-X, and QEMU (up to 11.1.3 certainly, this is ${await version(qemu)}) aborts, with the VM, when such a function is unplugged; a device added with unplug=on (QEMU 11.1 and newer) or vectors=0 can be unplugged`,
  );
}

/** Ids of all that leaves with a device. */
async function leaving(qemu: QemuMonitor, id: string): Promise<string[]> {
  const path = id.startsWith('/') ? id : `/machine/peripheral/${id}`;
  let bus: string;
  let address: number;
  try {
    // Any path may lead to it; the bus and the address on it are its own.
    bus = await ask<string>(qemu, 'qom-get', { path, property: 'parent_bus' });
    address = await ask<number>(qemu, 'qom-get', { path, property: 'addr' });
  } catch (error) {
    // There is none, or it is no PCI function: QEMU says so best itself.
    if (error instanceof ForeignError) return [];
    throw error;
  }
  const buses = (await readBusTree(qemu)).flatMap(withBusesBelow);
  const slot = buses.find((each) => each.path === bus)?.devices.filter((device) => device.slot === Math.floor(address / 8)) ?? [];
  return slot.flatMap(withAllBelow).flatMap((device) => device.id ?? []);
}

async function version(qemu: QemuMonitor): Promise<string> {
  const { qemu: number, package: build } = await ask<{ readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number }; readonly package: string }>(qemu, 'query-version');
  return `${number.major}.${number.minor}.${number.micro}${build === '' ? '' : ` (${build})`}`;
}
