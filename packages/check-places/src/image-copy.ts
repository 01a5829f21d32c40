import { closeSync } from 'node:fs';
import { createMemfd, dataExtents } from '@vpmem/native';
import { PagedMemory } from './fuse/paged-memory.ts';
import type { PlaceImage } from './place-image.ts';
import { PAGE } from './fuse/touched-pages.ts';

/** Bytes compared at once. */
const STRETCH = 2 ** 20;

/** A copy of an image that a checker may change: it is made equal again before the next. */
export class ImageCopy {
  readonly fd: number;
  readonly #image: PlaceImage;
  readonly #original: PagedMemory;
  readonly #copy: PagedMemory;
  /** Pages of the image that were written since they were copied. */
  readonly #stale = new Set<number>();

  constructor(image: PlaceImage) {
    this.#image = image;
    this.fd = createMemfd('vpmem image', image.size);
    this.#original = new PagedMemory(image.fd, image.size);
    this.#copy = new PagedMemory(this.fd, image.size);
    image.onWrite = (page) => this.#stale.add(page);
  }

  /** Brings what was written to the image since. */
  update(): void {
    for (const page of this.#stale) this.#copy.bytes(page * PAGE, PAGE).set(this.#original.bytes(page * PAGE, PAGE));
    this.#stale.clear();
  }

  /** Takes back what was written to the copy: compares wherever one of the two has anything. */
  restore(): void {
    for (const { start, end } of this.#extents()) {
      for (let at = start; at < end; ) {
        const length = Math.min(end - at, STRETCH - (at % STRETCH));
        this.#restoreStretch(at, length);
        at += length;
      }
    }
  }

  close(): void {
    this.#image.onWrite = undefined;
    this.#original.unmap();
    this.#copy.unmap();
    closeSync(this.fd);
  }

  #restoreStretch(at: number, length: number): void {
    if (Buffer.compare(this.#copy.bytes(at, length), this.#original.bytes(at, length)) === 0) return;
    for (let page = at; page < at + length; page += PAGE) {
      const [copy, original] = [this.#copy.bytes(page, PAGE), this.#original.bytes(page, PAGE)];
      if (Buffer.compare(copy, original) !== 0) copy.set(original);
    }
  }

  /** In order, without overlaps. */
  *#extents(): Generator<{ readonly start: number; readonly end: number }> {
    const all = [this.fd, this.#image.fd].flatMap((fd) => [...dataExtents(fd, 0, this.#image.size)]).sort((a, b) => a.start - b.start);
    let done = 0;
    for (const { start, end } of all) {
      if (end > done) yield { start: Math.max(start, done), end };
      done = Math.max(done, end);
    }
  }
}
