import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ExploreError } from '@vpmem/explorer';

/** Milliseconds that a check may take where nothing else is said. */
export const DEFAULT_TIMEOUT = 60_000;

/**
 * What looks at a disk, as data: a place on this host and one in a guest run the same text, and judge its end by the same `verdictOf`.
 * `$1` and the environment are what `checkEnvironment` tells.
 */
export interface Checker {
  /** As it was asked for. */
  readonly name: string;
  /**
   * `files`: a mounted tree, `$1` is its mount point. `disk`: the block device or the image, `$1`, which nothing has mounted any more: it was
   * mounted and unmounted, or {@link replay} has run. `either`: the mounted tree where the place mounts, otherwise the image.
   */
  readonly looksAt: 'files' | 'disk' | 'either';
  /** For sh(1), that of busybox as well. */
  readonly script: string;
  /** Programs that the text runs and that not every system has. */
  readonly needs: readonly string[];
  /** The file that the text runs, an absolute path on this host. Where the text runs elsewhere, it is taken there. */
  readonly file?: string;
  /** The file system that is mounted for it where nobody says another. */
  readonly fileSystem?: string;
  /** For sh(1): does to the image `$1` what a mount does, and nothing else. Exits 1 where a mount would fail. */
  readonly replay?: string;
  /** Programs that the replay runs, beside {@link needs}. */
  readonly replayNeeds?: readonly string[];
  /** It compares with the number that was acknowledged last, so it says nothing of a recording that has none. */
  readonly wantsNumbers: boolean;
  /** It is started once, and asked by JSON lines: see `WorkerQuestion`. */
  readonly worker: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** A program that checks an image. */
export interface ProgramOptions {
  /**
   * The path of a program, which gets `$1` as its argument; or a command for sh(1). A command of plain words gets `$1` as its last
   * argument. In one that has any of the shell's characters, `$1` stands where its author has put it.
   */
  readonly command: string;
  /** Milliseconds; {@link DEFAULT_TIMEOUT}. */
  readonly timeout?: number;
  readonly worker?: boolean;
}

/** Letters, digits and what names, options and lists are made of: nothing that sh(1) takes for more than a word. */
const PLAIN_WORDS = /^[\w./@%+:,-]+( +[\w./@%+=:,-]+)*$/;

/** Any program as a checker. @throws ExploreError for a file that cannot be run, an empty command, a timeout out of range */
export function programChecker(options: ProgramOptions): Checker {
  const { worker = false } = options;
  const command = options.command.trim();
  const timeout = checkTimeout(options.timeout ?? DEFAULT_TIMEOUT);
  if (command === '') throw new ExploreError(`the checker is empty; a program or a command is wanted, such as --check './check.sh'`);
  const common = { name: command, looksAt: 'either', needs: [], wantsNumbers: false, worker, timeout } as const;
  const file = programFile(command);
  if (file !== undefined) return { ...common, file, script: `exec ${quote(file)}${worker ? '' : ' "$@"'}` };
  return { ...common, script: worker || !PLAIN_WORDS.test(command) ? command : `${command} "$@"` };
}

/** The absolute path of a command that is the path of a file. */
function programFile(command: string): string | undefined {
  if (!command.includes('/')) return undefined;
  const path = resolve(command);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    if (/[\s$|&;<>()'"`]/.test(command)) return undefined;
    throw new ExploreError(`checker ${command}: there is no such file`);
  }
  if (!found.isFile()) throw new ExploreError(`checker ${command}: it is no file; a program or a command is wanted`);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new ExploreError(`checker ${command}: the file cannot be run; chmod +x makes it a program`);
  }
  return path;
}

/** Longest that a timer can wait. */
const MAX_TIMEOUT = 2 ** 31 - 1;

export function checkTimeout(timeout: number): number {
  if (Number.isInteger(timeout) && timeout > 0 && timeout <= MAX_TIMEOUT) return timeout;
  throw new ExploreError(`a check cannot have ${timeout} ms; 1 to ${MAX_TIMEOUT} are possible`);
}

/** A text as one word of sh(1). */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
