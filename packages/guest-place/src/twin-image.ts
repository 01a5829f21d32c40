import { closeSync } from 'node:fs';
import { PagedMemory } from '@vpmem/check-places';
import { createMemfd, dataExtents, Mapping, punchHole } from '@vpmem/native';
import { PAGE_SIZE, PageSet, type PageRun } from '@vpmem/page-tracker';
import { MappedImage, type ImageTarget } from '@vpmem/recording';

/** What a device of persistent memory in Linux is a multiple of, in bytes. */
const DEVICE_UNIT = 2 ** 21;

/**
 * An image twice: as it is to be, which is where it is made, and as a guest maps it. The guest's differs in pages that were changed since it
 * was last brought up to date, and in those that the guest wrote.
 */
export class TwinImage implements ImageTarget {
  readonly size: number;
  /** Bytes of the guest's device: what is behind the image reads as zeroes. */
  readonly deviceSize: number;
  /** Descriptors of the two, for whoever looks. */
  readonly wanted: number;
  readonly guest: number;
  readonly #mappings: readonly [wanted: Mapping, guest: Mapping];
  readonly #image: MappedImage;
  readonly #from: PagedMemory;
  readonly #to: MappedImage;
  readonly #behind: PageSet;

  /** @throws SystemError where there is no room for the mappings */
  constructor(size: number) {
    this.size = size;
    this.deviceSize = Math.ceil(size / DEVICE_UNIT) * DEVICE_UNIT;
    this.wanted = createMemfd('vpmem-image', this.deviceSize);
    this.guest = createMemfd('vpmem-guest-image', this.deviceSize);
    const map = (fd: number): Mapping => Mapping.ofFile(fd, { length: this.deviceSize });
    this.#mappings = [map(this.wanted), map(this.guest)];
    this.#image = new MappedImage(this.#mappings[0]);
    this.#from = new PagedMemory(this.wanted, this.deviceSize);
    this.#to = new MappedImage(this.#mappings[1]);
    this.#behind = new PageSet(this.deviceSize);
  }

  write(at: number, bytes: Uint8Array): void {
    this.#image.write(at, bytes);
    this.#behind.add(at, at + bytes.length);
  }

  xorPage(page: number, words: Int32Array): void {
    this.#image.xorPage(page, words);
    this.#behind.add(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  }

  /** The guest's image may be another there. */
  differs(runs: Iterable<PageRun>): void {
    this.#behind.addAll(runs);
  }

  /** Takes pages out of the guest's page tables: it has none of them until it touches them. They are {@link differs} then. */
  takeAway(pages: readonly number[]): void {
    for (const page of pages) {
      punchHole(this.guest, page * PAGE_SIZE, PAGE_SIZE);
      this.#behind.add(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
  }

  /** Makes the guest's image what it is to be. */
  update(): void {
    for (const { start, end } of this.#behind.runs()) for (const [at, bytes] of this.#from.pieces(start, end)) this.#to.write(at, bytes);
    this.#behind.clear();
  }

  /** Makes the guest's image all zeroes, until the next {@link update}. */
  blank(): void {
    punchHole(this.guest, 0, this.deviceSize);
    this.#behind.addAll(dataExtents(this.wanted, 0, this.deviceSize));
  }

  /** Must not be used after it. */
  close(): void {
    for (const mapping of [this.#from, ...this.#mappings]) mapping.unmap();
    for (const fd of [this.wanted, this.guest]) closeSync(fd);
  }
}
