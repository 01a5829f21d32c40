import { ForeignError, type ForeignMonitor } from '@vpmem/machine';
import { formatProperties, type PropertySource } from '@vpmem/options';
import { carriesState, lineCarriesState, refuseWithDevices } from './migration-guard.ts';
import type { QemuMonitor } from './qemu-monitor.ts';

/** The rest of QEMU's monitor, as it is, but for what QEMU should refuse with devices of ours and does not. */
export function foreignMonitor(qemu: QemuMonitor, ours: () => readonly { readonly id: string }[]): ForeignMonitor {
  return {
    commands: async () => ((await qemu.execute('query-commands')) as readonly { readonly name: string }[]).map(({ name }) => name),
    execute: async (command, args) => {
      if (carriesState(command)) refuseWithDevices(ours());
      return await qemu.execute(command, args);
    },
    humanCommand: async (line) => {
      if (lineCarriesState(line)) refuseWithDevices(ours());
      return (await qemu.execute('human-monitor-command', { 'command-line': line })) as string;
    },
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

/** Text keeps its types only in QEMU's own HMP, whose errors are what it prints. */
async function say(qemu: QemuMonitor, line: string): Promise<void> {
  const answer = (await qemu.execute('human-monitor-command', { 'command-line': line })) as string;
  const [, problem] = /^(?:Error: )?(.+?)\r?$/m.exec(answer) ?? [];
  if (problem !== undefined) throw new ForeignError('GenericError', problem);
}

function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, (char) => `\\${char}`).replaceAll('\n', '\\n')}"`;
}
