// QEMU 10.1 to 11.1 abort when the unplug of a vfio-user function with MSI-X completes: the memory of its pending bits is
// taken out of a container that it has already left. None is known yet that does not.
import { MachineError, type PciFunctionInfo } from '@vpmem/machine';
import { withAllBehind } from '../running/query-pci.ts';

/** A device of ours, as far as its end matters. */
export interface Unpluggable {
  readonly id: string;
  /** MSI-X vectors; 0: INTx. */
  readonly vectors: number;
}

/**
 * Refuses to unplug what would end the VM: a function of ours with MSI-X, one that shares a slot with such a function, since
 * a guest gives up whole slots, or a bridge with one behind it.
 *
 * @param id of QEMU's device that is to go
 * @throws MachineError `not-supported`
 */
export function checkUnplug(id: string, buses: readonly { readonly functions: readonly PciFunctionInfo[] }[], ours: readonly Unpluggable[], qemu: string): void {
  const gone = goesWith(id, buses);
  const deadly = ours.find((device) => device.vectors > 0 && (device.id === id || gone.includes(device.id)));
  if (deadly === undefined) return;
  const which = deadly.id === id ? `device '${id}' has` : `with '${id}' goes device '${deadly.id}', which has`;
  throw new MachineError(
    'not-supported',
    'id',
    `${which} MSI-X, and QEMU (up to 11.1.3 certainly, this is ${qemu}) aborts, with the VM, when such a function is unplugged; a device added with vectors=0 can be unplugged`,
  );
}

/** Ids of all that leaves with a device. */
function goesWith(id: string, buses: readonly { readonly functions: readonly PciFunctionInfo[] }[]): string[] {
  for (const { functions } of buses) {
    const device = functions.find((fn) => fn.id === id);
    const slot = device === undefined ? [] : functions.filter((fn) => fn.slot === device.slot);
    if (slot.length > 0) return slot.flatMap(withAllBehind).flatMap((fn) => fn.id ?? []);
    const behind = functions.flatMap((fn) => (fn.bridge === undefined ? [] : [fn.bridge]));
    const found = goesWith(id, behind);
    if (found.length > 0) return found;
  }
  return [];
}
