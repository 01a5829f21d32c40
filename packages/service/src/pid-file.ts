import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { lockFile } from '@vpmem/native';
import { SetupError } from './options/setup-error.ts';

// Opened first and looked at then, so that nobody can put a link in its place in between.
const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK;

/** What opening a link, a directory and a socket so ends with. */
const NO_FILE = ['ELOOP', 'EISDIR', 'ENXIO'];

/** A file that has this process's id while it runs, and keeps a second one with the same file away. */
export class PidFile {
  readonly #path: string;
  /** Open, and locked. */
  readonly fd: number;
  #removed = false;

  /**
   * Makes the file, or takes over one that a dead process has left behind. For its owner alone: mode 0600.
   *
   * @param taken the same file, open, from the process whose place this one takes
   * @throws SetupError if another process has it, naming that, or it cannot be made, or has something else in it
   */
  constructor(path: string, taken?: number) {
    // It is removed by a process that may be elsewhere by then.
    this.#path = resolve(path);
    this.fd = taken ?? openOwn(path, this.#path);
    ftruncateSync(this.fd);
    writeSync(this.fd, `${process.pid}\n`);
  }

  /** Takes the file away, unless something else is in its place by now; a second call does nothing. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    if (isAt(this.fd, this.#path)) unlinkSync(this.#path);
    closeSync(this.fd);
  }
}

function openOwn(given: string, path: string): number {
  const refuse = (why: string, options?: ErrorOptions): SetupError => new SetupError(`-pidfile ${given}: ${why}`, options);
  const noFile = 'is there and is no ordinary file; name another';
  // Whoever had it before us may remove it between our opening and locking it.
  for (;;) {
    let fd: number | undefined;
    try {
      fd = openSync(path, FLAGS, 0o600);
      if (!fstatSync(fd).isFile()) throw refuse(noFile);
      const content = readFileSync(fd, 'utf8').trim();
      if (!lockFile(fd)) throw refuse(`belongs to process ${content}, which is running; stop that or name another file`);
      if (!/^\d*$/.test(content)) throw refuse('is there and has no process id in it; name another file');
      if (isAt(fd, path)) return fd;
      closeSync(fd);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (error instanceof SetupError) throw error;
      const { code = '', message } = error as NodeJS.ErrnoException;
      throw refuse(NO_FILE.includes(code) ? noFile : `cannot be had: ${message}`, { cause: error });
    }
  }
}

function isAt(fd: number, path: string): boolean {
  const [ours, there] = [fstatSync(fd), lstatSync(path, { throwIfNoEntry: false })];
  return ours.ino === there?.ino && ours.dev === there.dev;
}
