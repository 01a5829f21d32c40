import { readSync, writevSync } from 'node:fs';
import {
  AttrOut,
  EntryOut,
  FUSE_ROOT_ID,
  FUSE_VERSION,
  INIT_FLAGS,
  InHeader,
  InitOut,
  OPCODE,
  OPEN_FLAGS,
  OpenOut,
  OutHeader,
  ReadIn,
  StatfsOut,
  WriteIn,
  WriteOut,
} from './fuse-protocol.ts';
import type { OverlaidDisk } from './overlaid-disk.ts';
import { PAGE } from './touched-pages.ts';

/** The only name there is in the root folder. */
export const IMAGE_NAME = 'image';
const IMAGE_ID = 2;

/** Bytes that one read or write takes at most. */
const MAX_IO = 2 ** 20;
/** Seconds that names and attributes stay as they are: they never change. */
const FOREVER = 2 ** 31;

const ENOENT = 2;
const EPERM = 1;
const ENOSYS = 38;
const S_IFDIR = 0o040_000;
const S_IFREG = 0o100_000;

/** What is answered: bytes in pieces, the negative errno, or nothing at all. */
type Answer = readonly Uint8Array[] | number | undefined;

/** Also of a folder that is listed: nobody but us has to find what is in it. */
const DONE: Answer = [];

/** Serves a folder with one file in it, the image, by the protocol of FUSE, until it is unmounted or its connection ends. Blocks its thread. */
export class FuseServer {
  readonly #device: number;
  readonly #size: number;
  readonly #disk: OverlaidDisk;
  readonly #request = Buffer.alloc(MAX_IO + PAGE);
  readonly #view = new DataView(this.#request.buffer, this.#request.byteOffset, this.#request.length);
  readonly #head = new Uint8Array(OutHeader.size);
  readonly #headView = new DataView(this.#head.buffer);

  /** `device`: an open /dev/fuse that has been mounted. */
  constructor(device: number, size: number, disk: OverlaidDisk) {
    this.#device = device;
    this.#size = size;
    this.#disk = disk;
  }

  run(): void {
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#device, this.#request);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A request that was interrupted before it was read is none any more.
        if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') continue;
        if (code === 'ENODEV' || code === 'ECONNABORTED') return;
        throw error;
      }
      this.#reply(InHeader.fields.unique.get(this.#view, 0), this.#answer(length));
    }
  }

  #reply(unique: bigint, answer: Answer): void {
    if (answer === undefined) return;
    const pieces = typeof answer === 'number' ? [] : answer;
    OutHeader.fields.len.set(this.#headView, 0, pieces.reduce((sum, piece) => sum + piece.length, OutHeader.size));
    OutHeader.fields.error.set(this.#headView, 0, typeof answer === 'number' ? answer : 0);
    OutHeader.fields.unique.set(this.#headView, 0, unique);
    try {
      writevSync(this.#device, [this.#head, ...pieces]);
    } catch (error) {
      // Whoever asked waits no more: it was killed, or the connection is at its end, which the next read(2) tells.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENODEV') throw error;
    }
  }

  #answer(length: number): Answer {
    const { opcode, nodeid } = InHeader.fields;
    const node = nodeid.get(this.#view, 0);
    switch (opcode.get(this.#view, 0)) {
      case OPCODE.read:
        return this.#disk.read(ReadIn.fields.offset.get(this.#view, InHeader.size), Math.min(ReadIn.fields.size.get(this.#view, InHeader.size), MAX_IO));
      case OPCODE.write:
        return this.#write(length);
      // Answered also where nobody wants to know: an operation that is not there is never asked for again.
      case OPCODE.fsync:
        this.#disk.flush();
        return DONE;
      case OPCODE.init:
        return [this.#init()];
      case OPCODE.lookup:
        return this.#lookup(node, length);
      case OPCODE.getattr:
        return [AttrOut.encode({ attr_valid: FOREVER, ...this.#attributes(node) })];
      case OPCODE.open:
        if (node !== IMAGE_ID) return -EPERM;
        return [OpenOut.encode({ open_flags: OPEN_FLAGS.directIo | OPEN_FLAGS.parallelDirectWrites })];
      case OPCODE.statfs:
        return [StatfsOut.encode({ blocks: this.#size / PAGE, files: 2, bsize: PAGE, frsize: PAGE, namelen: IMAGE_NAME.length })];
      case OPCODE.opendir:
        return [OpenOut.encode({})];
      case OPCODE.readdir:
      case OPCODE.releasedir:
      case OPCODE.release:
      case OPCODE.flush:
      case OPCODE.destroy:
        return DONE;
      case OPCODE.forget:
      case OPCODE.batchForget:
        return undefined;
      default:
        return -ENOSYS;
    }
  }

  #write(length: number): Answer {
    const at = WriteIn.fields.offset.get(this.#view, InHeader.size);
    const data = this.#request.subarray(InHeader.size + WriteIn.size, length);
    return [WriteOut.encode({ size: this.#disk.write(at, data) })];
  }

  #init(): Uint8Array {
    const { asyncRead, asyncDio, bigWrites, maxPages } = INIT_FLAGS;
    return InitOut.encode({
      ...FUSE_VERSION,
      max_readahead: 0,
      flags: asyncRead | asyncDio | bigWrites | maxPages,
      max_background: 64,
      congestion_threshold: 64,
      max_write: MAX_IO,
      time_gran: 1,
      max_pages: MAX_IO / PAGE,
    });
  }

  #lookup(parent: number, length: number): Answer {
    const name = this.#request.toString('utf8', InHeader.size, length - 1);
    if (parent !== FUSE_ROOT_ID || name !== IMAGE_NAME) return -ENOENT;
    return [EntryOut.encode({ nodeid: IMAGE_ID, entry_valid: FOREVER, attr_valid: FOREVER, ...this.#attributes(IMAGE_ID) })];
  }

  #attributes(node: number): { readonly ino: number; readonly size: number; readonly blocks: number; readonly mode: number; readonly nlink: number; readonly blksize: number } {
    const folder = node === FUSE_ROOT_ID;
    const size = folder ? 0 : this.#size;
    return { ino: node, size, blocks: size / 512, mode: folder ? S_IFDIR | 0o700 : S_IFREG | 0o600, nlink: folder ? 2 : 1, blksize: PAGE };
  }
}
