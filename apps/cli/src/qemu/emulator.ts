// `vpmem-qemu-system-x86_64`: a QEMU for managers that take one program, such as libvirt. The launcher of the same name has found
// the real QEMU; whatever the words say is QEMU's.
import { readFileSync } from 'node:fs';
import { EmulatorSettingsError, readEmulatorSettings } from './emulator-settings.ts';
import { runWithQemu } from './qemu-command.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
const { VPMEM_REAL_QEMU: qemu, VPMEM_QEMU_CONF: file } = process.env;
// QEMU gets the environment as it was.
delete process.env.VPMEM_REAL_QEMU;

try {
  if (qemu === undefined) throw new EmulatorSettingsError('start bin/vpmem-qemu-system-x86_64.js, which finds the real QEMU');
  const { rootPorts, unplug } = readEmulatorSettings(file ?? '/etc/vpmem/qemu.conf');
  process.exitCode = await runWithQemu(process.argv.slice(2), { qemu, print: false, monitor: [], qmp: [], rootPorts, unplug, record: undefined, metrics: undefined, version });
} catch (error) {
  if (!(error instanceof EmulatorSettingsError)) throw error;
  process.stderr.write(`vpmem-qemu-system-x86_64: ${error.message}\n`);
  process.exitCode = 1;
}
