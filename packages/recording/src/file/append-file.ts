import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { RecordingError } from '../recording-error.ts';

/** Where a recording is written: a file that grows at its end. */
export interface AppendFile {
  /** Writes all of `bytes` at `offset`, which is where the file ends. @throws NodeJS.ErrnoException ENOSPC, EIO, …; a part may be there then */
  write(bytes: Uint8Array, offset: number): void;
  /** Takes back what lies behind. @throws NodeJS.ErrnoException */
  truncate(size: number): void;
  close(): void;
  /** Closes and removes it. */
  remove(): void;
}

/** A file that is its owner's. */
class NamedFile implements AppendFile {
  readonly #path: string;
  readonly #fd: number;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  write(bytes: Uint8Array, offset: number): void {
    writeAll(this.#fd, bytes, offset);
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size);
  }

  close(): void {
    closeSync(this.#fd);
  }

  remove(): void {
    this.close();
    unlinkSync(this.#path);
  }
}

/** A file that was not there before. */
export class NewFile extends NamedFile {
  /** @throws RecordingError exists, if there is a file of that name; NodeJS.ErrnoException otherwise */
  constructor(path: string) {
    super(path, makeFile(path));
  }
}

/** A file that another has begun. */
export class OldFile extends NamedFile {
  readonly fd: number;

  /** @throws NodeJS.ErrnoException */
  constructor(path: string) {
    const fd = openSync(path, 'r+');
    super(path, fd);
    this.fd = fd;
  }
}

/** A file that somebody else has made and opened, and will close; at first it is empty. */
export class GivenFile implements AppendFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array, offset: number): void {
    writeAll(this.#fd, bytes, offset);
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size);
  }

  close(): void {
    // It stays open.
  }

  /** Empties it: its name is its owner's. */
  remove(): void {
    ftruncateSync(this.#fd, 0);
  }
}

function makeFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new RecordingError('exists', `${path}: there is such a file already; a recording goes into a new one`, { cause: error });
  }
}

function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
}
