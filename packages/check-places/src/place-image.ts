import { closeSync } from 'node:fs';
import { createMemfd, Mapping, sealFutureWrites } from '@vpmem/native';
import { MappedImage, type ImageTarget } from '@vpmem/recording';
import { PAGE } from './fuse/touched-pages.ts';

/** The image of a place: memory of ours that others see as a file. */
export class PlaceImage implements ImageTarget {
  readonly size: number;
  /** The memory's descriptor. */
  readonly fd: number;
  readonly #mapping: Mapping;
  #image: MappedImage | undefined;
  /** Called with the number of each page that is written. */
  onWrite: ((page: number) => void) | undefined;

  /** `sealed`: nobody else can write to it. */
  constructor(size: number, options: { readonly sealed: boolean }) {
    this.size = size;
    this.fd = createMemfd('vpmem image', size, { seal: !options.sealed });
    try {
      this.#mapping = Mapping.ofFile(this.fd, { length: size });
      if (options.sealed) sealFutureWrites(this.fd);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
    this.#image = new MappedImage(this.#mapping);
  }

  write(at: number, bytes: Uint8Array): void {
    this.#opened.write(at, bytes);
    if (this.onWrite === undefined) return;
    for (let page = Math.floor(at / PAGE); page * PAGE < at + bytes.length; page++) this.onWrite(page);
  }

  xorPage(page: number, words: Int32Array): void {
    this.#opened.xorPage(page, words);
    this.onWrite?.(page);
  }

  close(): void {
    if (this.#image === undefined) return;
    this.#image = undefined;
    this.#mapping.unmap();
    closeSync(this.fd);
  }

  get #opened(): MappedImage {
    if (this.#image === undefined) throw new Error('the place of this image is closed');
    return this.#image;
  }
}
