import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '@vpmem/native';
import { defaultSocketFolder, privateFolder } from './socket-folder.ts';

/** A program that runs, and how to reach it. */
export interface RunningProgram {
  readonly program: string;
  readonly pid: number;
  /** What `-name` said. */
  readonly name?: string;
  /** Path of its QMP socket. */
  readonly qmp: string;
  /** Where its metrics are to be had, if anywhere. */
  readonly metrics?: string;
  /** ISO 8601. */
  readonly started: string;
  /** Where it can be asked to let another process go on with what it serves; absent where it cannot. */
  readonly takeover?: string;
  /** The words of its command line, and the folder in which it was started; with {@link takeover}. */
  readonly words?: readonly string[];
  readonly folder?: string;
}

/** Folders of services that systemd starts (RuntimeDirectory=vpmem/NAME). */
const SYSTEM_FOLDER = '/run/vpmem';

/** Bytes of an entry: many times what one has. */
const MAX_ENTRY = 64 * 1024;

/** A running program's entry among those that `vpmem ps` lists. It counts for as long as this process lives. */
export class ProgramEntry {
  readonly #path: string;
  readonly #fd: number;

  /** @throws Error of node if `folder` cannot be written to */
  constructor(folder: string, program: RunningProgram) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#path = join(folder, `${fileStem(program)}.json`);
    // Under another name until it is locked: without a lock it would be taken for a dead program's.
    const temporary = `${this.#path}.new`;
    this.#fd = openSync(temporary, 'w', 0o600);
    lockFile(this.#fd);
    writeSync(this.#fd, `${JSON.stringify(program)}\n`);
    renameSync(temporary, this.#path);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
    closeSync(this.#fd);
  }
}

/** The start of the names of what a program keeps beside its devices' sockets. */
export function fileStem({ program, pid }: Pick<RunningProgram, 'program' | 'pid'>): string {
  return `${program.replaceAll(' ', '-')}-${pid}`;
}

/** Whether a user means this program by what was given: its name, or its process id. */
export function isCalled({ name, pid }: Pick<RunningProgram, 'name' | 'pid'>, given: string): boolean {
  return name === given || String(pid) === given;
}

/** The programs that run as this user, and those of the system if they may be seen. What dead ones left behind is removed. */
export function runningPrograms(folders: readonly string[] = programFolders()): RunningProgram[] {
  const found = folders.filter(isTrusted).flatMap((folder) => names(folder).filter((name) => name.endsWith('.json')).flatMap((name) => readEntry(join(folder, name))));
  // Node 20 follows no link of an import for as long as the last file that it was asked about was a socket or a pipe, as what dead ones left
  // may be: what the next package that is loaded needs would not be found beside it.
  lstatSync('/');
  return found;
}

/** Where entries can be: the folders for sockets of this user and of the system, and those of systemd's services in them. */
export function programFolders(): string[] {
  // Whoever started a program need not have had the same environment as we have.
  const roots = [...new Set([defaultSocketFolder(), privateFolder(), SYSTEM_FOLDER])];
  return roots.flatMap((root) => [root, ...names(root).map((name) => join(root, name))]);
}

/** Whether nobody but this user and root can have put anything there: what stands in an entry is connected to, and removed. */
function isTrusted(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && (stat.uid === 0 || stat.uid === process.getuid?.()) && (stat.mode & 0o022) === 0;
}

/** None for what is no folder, or may not be seen. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** None of what is no entry: whatever lies there, it is neither waited for nor read at length. */
function readEntry(path: string): RunningProgram[] {
  let fd;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // It ended this moment, or is another user's, or a link.
    return [];
  }
  try {
    const stat = fstatSync(fd);
    const program = stat.isFile() && stat.size <= MAX_ENTRY ? asProgram(readFileSync(fd, 'utf8')) : undefined;
    if (program === undefined) return [];
    if (!lockFile(fd)) return [program];
    rmSync(path, { force: true });
    for (const beside of ['.qmp', '.takeover', '.call']) rmSync(path.replace(/\.json$/, beside), { force: true });
    return [];
  } finally {
    closeSync(fd);
  }
}

/** Undefined for a file that is something else. */
function asProgram(text: string): RunningProgram | undefined {
  try {
    const value = JSON.parse(text) as Partial<RunningProgram> | null;
    const { program, pid, qmp, started } = value ?? {};
    const whole = typeof program === 'string' && typeof pid === 'number' && typeof qmp === 'string' && typeof started === 'string';
    return whole ? (value as RunningProgram) : undefined;
  } catch {
    return undefined;
  }
}
