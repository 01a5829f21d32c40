import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { QemuError } from './qemu-error.ts';

/** The first QEMU with a vfio-user client. */
export const MIN_QEMU = { major: 10, minor: 1 };

/** The first QEMU that can be told to end when whoever started it does. */
const FOLLOWS_PARENT = { major: 11, minor: 1 };

const run = promisify(execFile);

/** The version a QEMU says it is. @throws QemuError if it is not there, or none that can use our devices */
export async function checkQemu(path: string): Promise<string> {
  const version = await readVersion(path);
  if (isAtLeast(version, MIN_QEMU)) return version;
  throw new QemuError(
    'too-old',
    `'${path}' is QEMU ${version}; devices outside QEMU need its vfio-user client, which came with ${MIN_QEMU.major}.${MIN_QEMU.minor}; name a newer one with --qemu`,
  );
}

/** What makes a QEMU of this version end when its parent ends, however that does; nothing where it cannot. */
export function followParent(version: string): string[] {
  return isAtLeast(version, FOLLOWS_PARENT) ? ['-run-with', 'exit-with-parent=on'] : [];
}

function isAtLeast(version: string, least: { readonly major: number; readonly minor: number }): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > least.major || (major === least.major && minor >= least.minor);
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
