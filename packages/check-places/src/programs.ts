import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ExploreError } from '@vpmem/explorer';
import type { Checker } from './checker.ts';

/** Where programs lie that check file systems, which the path of a user need not have. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The environment that checkers get: the caller's, with a path that has the system's programs. */
export function programEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const folders = (environment.PATH ?? '/usr/bin:/bin').split(delimiter);
  return { ...environment, PATH: [...folders, ...SYSTEM_FOLDERS.filter((each) => !folders.includes(each))].join(delimiter) };
}

/** @throws ExploreError naming the first program that a checker needs, or its place of it, and that is not there */
export function refuseWithoutPrograms(checker: Checker, environment: NodeJS.ProcessEnv, more: readonly string[] = []): void {
  const folders = (environment.PATH ?? '').split(delimiter);
  const missing = [...checker.needs, ...more].find((name) => !folders.some((folder) => isProgram(join(folder, name))));
  if (missing !== undefined) throw new ExploreError(`checker ${checker.name} wants the program ${missing}, which is not there; install it, or use another checker`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
