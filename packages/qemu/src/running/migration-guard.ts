// QEMU migrates a VM with vfio-user devices without a word, and without their state: what arrives has a device that its driver
// knows differently. QEMU 11.1 has no blocker for it, so the commands are refused before it hears of them.
import { MachineError } from '@vpmem/machine';

/** QMP commands and HMP's that take a VM's state out of this process or bring one into it. */
const QMP: ReadonlySet<string> = new Set([
  'migrate',
  'migrate-incoming',
  'migrate-recover',
  'snapshot-save',
  'snapshot-load',
  'xen-save-devices-state',
  'xen-load-devices-state',
  'x-colo-lost-heartbeat',
]);
const HMP: ReadonlySet<string> = new Set(['migrate', 'migrate_incoming', 'migrate_recover', 'savevm', 'loadvm']);

/** Whether a QMP command would carry a VM's state. */
export function carriesState(command: string): boolean {
  return QMP.has(command);
}

/** The same for a line of HMP. */
export function lineCarriesState(line: string): boolean {
  const [word = ''] = line.trim().split(/\s+/, 1);
  return HMP.has(word);
}

/** @throws MachineError in QEMU's words, if the VM has a device of ours */
export function refuseWithDevices(ours: readonly { readonly id: string }[]): void {
  const [first] = ours;
  if (first === undefined) return;
  throw new MachineError(
    'not-supported',
    undefined,
    `State blocked by non-migratable device '${first.id}': its state is vpmem's, and vfio-user has no way to hand it on; unplug it first, or keep what it holds in its file and start the VM anew`,
  );
}
