import { readSync, writeSync } from 'node:fs';
import { MAX_WINDOW, type Mapping } from '@vpmem/native';
import { PAGE_SIZE } from './file/file-header.ts';
import { PAGE_WORDS } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';

/** Where an image is made. It is as long as the memory. */
export interface ImageTarget {
  readonly size: number;
  /** Writes whole pages at byte `at`. */
  write(at: number, bytes: Uint8Array): void;
  /** Adds `words`, 32 bits each, to what page `page` holds, by XOR. */
  xorPage(page: number, words: Int32Array): void;
}

/** An open file. Who opened it closes it. */
export class FileImage implements ImageTarget {
  readonly size: number;
  readonly #fd: number;
  readonly #page = new Int32Array(PAGE_WORDS);
  readonly #bytes = new Uint8Array(this.#page.buffer);

  /** Of which the first `size` bytes are the image. */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  write(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
  }

  xorPage(page: number, words: Int32Array): void {
    for (let done = 0; done < PAGE_SIZE; ) {
      const count = readSync(this.#fd, this.#bytes, done, PAGE_SIZE - done, page * PAGE_SIZE + done);
      if (count === 0) throw new RecordingError('bad-input', `the image ends within page ${page}; it has to have ${this.size} bytes`);
      done += count;
    }
    const own = this.#page;
    for (let i = 0; i < PAGE_WORDS; i++) own[i] = (own[i] ?? 0) ^ (words[i] ?? 0);
    this.write(page * PAGE_SIZE, this.#bytes);
  }
}

/** Pages of one view of a mapping. */
const VIEW = MAX_WINDOW / 2;

/** Mapped memory: no system call for each page. Who mapped it unmaps it, and uses this no more. */
export class MappedImage implements ImageTarget {
  readonly #views: { readonly bytes: Uint8Array; readonly words: Int32Array }[] = [];
  readonly size: number;

  constructor(mapping: Mapping) {
    this.size = mapping.length;
    for (let at = 0; at < mapping.length; at += VIEW) {
      const buffer = mapping.window(at, Math.min(VIEW, mapping.length - at));
      this.#views.push({ bytes: new Uint8Array(buffer), words: new Int32Array(buffer) });
    }
  }

  write(at: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const within = (at + done) % VIEW;
      const piece = bytes.subarray(done, done + VIEW - within);
      this.#viewOf(at + done).bytes.set(piece, within);
      done += piece.length;
    }
  }

  xorPage(page: number, words: Int32Array): void {
    const { words: own } = this.#viewOf(page * PAGE_SIZE);
    const start = ((page * PAGE_SIZE) % VIEW) / 4;
    for (let i = 0; i < PAGE_WORDS; i++) own[start + i] = (own[start + i] ?? 0) ^ (words[i] ?? 0);
  }

  #viewOf(at: number): { readonly bytes: Uint8Array; readonly words: Int32Array } {
    const view = this.#views[Math.floor(at / VIEW)];
    if (view === undefined) throw new RangeError(`byte ${at} of ${this.size}`);
    return view;
  }
}
