import { ForeignError, MachineError, type ForeignMonitor } from '@vpmem/machine';
import { formatProperties, type PropertySource } from '@vpmem/options';
import type { QemuMonitor } from './qemu-monitor.ts';

/** The rest of QEMU's monitor, as it is. */
export function foreignMonitor(qemu: QemuMonitor): ForeignMonitor {
  return {
    commands: async () => ((await qemu.execute('query-commands')) as readonly { readonly name: string }[]).map(({ name }) => name),
    execute: (command, args) => qemu.execute(command, args),
    humanCommand: async (line) => (await qemu.execute('human-monitor-command', { 'command-line': line })) as string,
  };
}

/** Gives QEMU an object that is to be its own. @throws ForeignError */
export async function addForeignObject(qemu: QemuMonitor, { form, properties }: PropertySource): Promise<void> {
  if (form === 'json') await qemu.execute('object-add', properties);
  else await say(qemu, `object_add ${formatProperties(properties, { grammar: 'keyval', impliedKey: 'qom-type' })}`);
}

/** Gives QEMU a device that is to be its own. @throws ForeignError */
export async function addForeignDevice(qemu: QemuMonitor, { form, properties }: PropertySource): Promise<void> {
  if (form === 'json') await qemu.execute('device_add', properties);
  else await say(qemu, `device_add ${quoted(formatProperties(properties, { impliedKey: 'driver' }))}`);
}

/** @throws MachineError for a device of QEMU's that is to have memory made here, of which QEMU does not know */
export function checkForeignMemory({ properties: { driver, memdev } }: PropertySource, ours: readonly { readonly id: string }[]): void {
  if (driver !== 'nvdimm' || typeof memdev !== 'string' || !ours.some(({ id }) => memdev === id || memdev === `/objects/${id}`)) return;
  throw new MachineError(
    'not-supported',
    'memdev',
    `device type 'nvdimm' is QEMU's own, and QEMU knows nothing of memory backend '${memdev}', which was made here; give QEMU one of its own, with -object on its command line, or have an nvdimm in vpmem run`,
  );
}

/** Text keeps its types only in QEMU's own HMP, whose errors are what it prints. */
async function say(qemu: QemuMonitor, line: string): Promise<void> {
  const answer = (await qemu.execute('human-monitor-command', { 'command-line': line })) as string;
  const [, problem] = /^(?:Error: )?(.+?)\r?$/m.exec(answer) ?? [];
  if (problem !== undefined) throw new ForeignError('GenericError', problem);
}

function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, (char) => `\\${char}`).replaceAll('\n', '\\n')}"`;
}
