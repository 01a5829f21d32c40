import { resolve } from 'node:path';
import { builtInChecker, EqualFiles, isBuiltIn, openHostPlace, openImagePlace, programChecker, type Checker } from '@vpmem/check-places';
import type { CheckPlace } from '@vpmem/explorer';
import { CliError } from '../cli-error.ts';
import { readTime, readWhere, type ExploreWords, type Where } from './explore-options.ts';

/** How a state is checked. */
export interface CheckOptions {
  readonly checker: Checker;
  readonly where: Where;
  /** Name of the file system; `none`: the checker gets the image. */
  readonly mount: string;
  /** @throws ExploreError where this machine cannot do it */
  open(size: number): Promise<CheckPlace>;
}

/** @throws CliError that names the option; ExploreError for a checker that cannot be run */
export function readCheck(words: ExploreWords): CheckOptions {
  const { check, worker = false, mountOptions, writable = false, package: packages = [], file: files = [], equalFiles = false } = words;
  if (check === undefined) throw new CliError('--check is missing: a program that looks at the disk and exits with 0 or 1, or ext4, xfs, sqlite:PATH[:QUERY], acked:PATH');
  const timeout = words.timeout === undefined ? {} : { timeout: readTime('--timeout', words.timeout) };
  if (worker && isBuiltIn(check)) throw new CliError(`--worker is for programs; --check ${check} is built in`);
  const checker = isBuiltIn(check) ? builtInChecker(check, timeout) : programChecker({ command: check, worker, ...timeout });
  const where = readWhere(words, checker.looksAt === 'files');
  const mount = words.mount ?? (where === 'image' ? undefined : checker.fileSystem);
  if (where !== 'image' && (mount === undefined || mount === 'none')) throw new CliError(`--where ${where} mounts the disk: --mount wants the name of its file system, such as --mount ext4`);
  if (where === 'image' && checker.looksAt === 'files') throw new CliError(`--check ${check} looks at files: --mount wants the name of the file system, such as --mount ext4`);
  refuseUnused(where, { mountOptions, writable, packages, files });
  if (equalFiles && where !== 'host') throw new CliError(`--equal-files is for --where host; with --where ${where} nobody looks at the files beforehand`);
  if (equalFiles && checker.looksAt === 'disk') throw new CliError(`--equal-files is for programs that look at files; --check ${check} looks at the disk`);
  // All jobs learn from each other.
  const equal = equalFiles ? new EqualFiles() : undefined;
  return {
    checker,
    where,
    mount: mount ?? 'none',
    open: async (size) => {
      if (where === 'image') return openImagePlace({ size, checker, writable });
      if (where === 'host') return openHostPlace({ size, checker, mount, mountOptions, equalFiles: equal });
      // What boots guests is loaded where there is to be one.
      const { GuestPlace } = await import('@vpmem/guest-place');
      return GuestPlace.open({ size, checker, ...(mount === undefined ? {} : { fileSystem: mount }), ...(mountOptions === undefined ? {} : { mountOptions }), packages, files: guestFiles(files) });
    },
  };
}

interface Unused {
  readonly mountOptions: string | undefined;
  readonly writable: boolean;
  readonly packages: readonly string[];
  readonly files: readonly string[];
}

/** An option that would do nothing is a mistake. */
function refuseUnused(where: Where, { mountOptions, writable, packages, files }: Unused): void {
  if (where === 'image' && mountOptions !== undefined) throw new CliError('--mount-options: nothing is mounted; --mount says what is to be');
  if (where !== 'image' && writable) throw new CliError(`--writable is for --where image; with --where ${where} a checker may always write`);
  if (where !== 'guest' && packages.length > 0) throw new CliError(`--package is for --where guest; with --where ${where} this host's programs are run`);
  if (where !== 'guest' && files.length > 0) throw new CliError(`--file is for --where guest; with --where ${where} this host's files are there`);
}

/** Where each is in the guest, and on this host: `PATH`, the same in both, or `PATH=SOURCE`. */
function guestFiles(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      // Only the first = parts the two: a name may have more.
      const [, path = word, source = path] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
      if (!path.startsWith('/') && word.includes('=')) throw new CliError(`--file ${word}: the path in the guest has to begin with /, as /etc/check.conf=check.conf`);
      return [resolve(path), resolve(source)];
    }),
  );
}
