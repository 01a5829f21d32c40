import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { RecordingError } from './recording-error.ts';

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

/** A file that was not there before. */
export class NewFile implements AppendFile {
  readonly #path: string;
  readonly #fd: number;

  /** @throws RecordingError exists, if there is a file of that name; NodeJS.ErrnoException otherwise */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, 'wx', 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new RecordingError('exists', `${path}: there is such a file already; a recording goes into a new one`, { cause: error });
    }
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, offset + done);
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
