import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { QemuError } from './qemu-error.ts';

/** The first QEMU with a vfio-user client. */
export const MIN_QEMU = { major: 10, minor: 1 };

const run = promisify(execFile);

/** The version a QEMU says it is. @throws QemuError if it is not there, or none that can use our devices */
export async function checkQemu(path: string): Promise<string> {
  const version = await readVersion(path);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MIN_QEMU.major || (major === MIN_QEMU.major && minor >= MIN_QEMU.minor)) return version;
  throw new QemuError(
    'too-old',
    `'${path}' is QEMU ${version}; devices outside QEMU need its vfio-user client, which came with ${MIN_QEMU.major}.${MIN_QEMU.minor}; name a newer one with --qemu`,
  );
}

async function readVersion(path: string): Promise<string> {
  let stdout: string;
  try {
    ({ stdout } = await run(path, ['--version']));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such program' : message;
    throw new QemuError('not-found', `cannot run '${path}': ${why}; name QEMU with --qemu`, { cause: error });
  }
  const version = /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new QemuError('not-found', `'${path}' does not say that it is QEMU; name QEMU with --qemu`);
  return version;
}
