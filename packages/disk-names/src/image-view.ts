import type { ReadableImage } from './byte-name.ts';

const CHUNK = 32 * 1024;
/** Chunks that are kept: 16 MiB. */
const KEPT = 512;
/** Bytes read of one image in one call, however it sends its reader about. */
const MOST_READ = 512 * 2 ** 20;

/** Reads an image in chunks that are kept for a while. A reader that was sent about too much sees zeroes from then on, so it comes to an end. */
export class ImageView {
  readonly size: number;
  readonly #image: ReadableImage;
  readonly #chunks = new Map<number, Uint8Array>();
  #left: number;

  constructor(image: ReadableImage, mostRead = MOST_READ) {
    this.size = Number.isSafeInteger(image.size) && image.size > 0 ? image.size : 0;
    this.#image = image;
    this.#left = mostRead;
  }

  /** `length` bytes, which are shared with others: not to be written. Zeroes before the image's start and beyond its end. */
  bytes(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset >= this.size) return new Uint8Array(length);
    const first = Math.floor(offset / CHUNK);
    const within = offset - first * CHUNK;
    if (within + length <= CHUNK) return this.#chunk(first).subarray(within, within + length);
    const result = new Uint8Array(length);
    for (let done = 0; done < length && offset + done < this.size; ) {
      const index = Math.floor((offset + done) / CHUNK);
      const part = this.#chunk(index).subarray(offset + done - index * CHUNK, Math.min(CHUNK, offset + length - index * CHUNK));
      result.set(part, done);
      done += part.length;
    }
    return result;
  }

  view(offset: number, length: number): DataView {
    const bytes = this.bytes(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #chunk(index: number): Uint8Array {
    const kept = this.#chunks.get(index);
    if (kept !== undefined) return kept;
    if (this.#left < CHUNK) return ZEROES;
    this.#left -= CHUNK;
    const chunk = this.#image.read(index * CHUNK, CHUNK);
    if (this.#chunks.size >= KEPT) for (const [oldest] of this.#chunks) { this.#chunks.delete(oldest); break; }
    this.#chunks.set(index, chunk);
    return chunk;
  }
}

const ZEROES = new Uint8Array(CHUNK);
