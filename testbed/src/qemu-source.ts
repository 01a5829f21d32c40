import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { compareVersions } from './kernel-package.ts';
import { tryProgram } from './program.ts';
import { TestbedError } from './testbed-error.ts';

/** The first QEMU with a vfio-user client. */
const MIN_QEMU = '10.1';
const NAME = 'qemu-system-x86_64';

/** A QEMU of this machine that is new enough. */
export interface InstalledQemu {
  readonly path: string;
  readonly version: string;
}

/**
 * The QEMU that `VPMEM_QEMU` names, or the one on the path if that is new enough.
 *
 * @throws TestbedError if `VPMEM_QEMU` names none that can be used
 */
export async function findInstalledQemu(environment: NodeJS.ProcessEnv): Promise<InstalledQemu | undefined> {
  const named = environment.VPMEM_QEMU;
  if (named !== undefined && named !== '') {
    const version = await readVersion(named);
    if (version !== undefined && isNewEnough(version)) return { path: named, version };
    throw new TestbedError('unavailable', `VPMEM_QEMU=${named}: ${version === undefined ? 'not a QEMU' : `QEMU ${version} is too old, ${MIN_QEMU} is needed`}`);
  }
  const path = (environment.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, NAME))
    .find(isExecutable);
  const version = path === undefined ? undefined : await readVersion(path);
  return path !== undefined && version !== undefined && isNewEnough(version) ? { path, version } : undefined;
}

/** Whether a QEMU of this version has what we need. */
export function isNewEnough(version: string): boolean {
  return compareVersions(version, MIN_QEMU) >= 0;
}

/** `QEMU emulator version 11.1.3 (Debian …)` → `11.1.3` */
export function parseQemuVersion(text: string): string | undefined {
  return /^QEMU emulator version (\d+(?:\.\d+)+)/m.exec(text)?.[1];
}

async function readVersion(path: string): Promise<string | undefined> {
  if (!isExecutable(path)) return undefined;
  const { output } = await tryProgram([path, '--version']);
  return parseQemuVersion(output);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
