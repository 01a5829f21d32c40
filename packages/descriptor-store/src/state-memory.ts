import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { createMemfd } from '@vpmem/native';
import { StoreError } from './store-error.ts';

const MAGIC = Buffer.from('vpmSTATE');
/** A slot's header: which bytes of the file are the state, and how to know that all of it is there. */
const HEADER = { magic: 0, sequence: 8, offset: 16, length: 24, checksum: 32, ownChecksum: 36, size: 40 } as const;
const SLOT = 64;
const SLOTS = 2;
const DATA_AT = SLOT * SLOTS;
/** Bytes that a state may have. */
const MAX_LENGTH = 256 * 2 ** 20;

/** Where a state is in the file. */
interface Extent {
  readonly sequence: number;
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly checksum: number;
}

/** Writes bytes at a place of a file, as pwrite(2) does: perhaps not all of them. Returns how many. */
export type WriteAt = (fd: number, bytes: Uint8Array, at: number) => number;

/**
 * A state, as JSON, in memory that outlives the process: a memfd whose descriptor can be put into a {@link DescriptorStore}. A process that
 * ends at any moment of {@link write}, between any two bytes, leaves the state before or the one after.
 */
export class StateMemory {
  readonly fd: number;
  readonly #writeAt: WriteAt;
  /** What counts; undefined before the first. */
  #live: Extent | undefined;
  #closed = false;

  private constructor(fd: number, live: Extent | undefined, writeAt: WriteAt = (file, bytes, at) => writeSync(file, bytes, 0, bytes.length, at)) {
    this.fd = fd;
    this.#live = live;
    this.#writeAt = writeAt;
  }

  /** One that holds nothing yet. The name is for people who look into /proc; `writeAt` for whoever tries what a death leaves. */
  static create(name: string, options: { readonly writeAt?: WriteAt } = {}): StateMemory {
    return new StateMemory(createMemfd(name, 0, { seal: false }), undefined, options.writeAt);
  }

  /** That of an earlier process; takes over `fd`, and closes it if it throws. @throws StoreError if it is none, or is damaged */
  static open(fd: number): StateMemory {
    try {
      const memory = new StateMemory(fd, findLive(fd));
      memory.read();
      return memory;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * From now on this is the state.
   *
   * @throws SystemError ENOSPC, EFBIG: the state before stays
   * @throws RangeError for what JSON has no words for, or more than 256 MiB
   */
  write(state: object): void {
    // Types say it is always text; of a function, and of an object whose toJSON says so, it is undefined.
    const text = JSON.stringify(state) as string | undefined;
    if (text === undefined) throw new RangeError('JSON has no words for this state');
    const bytes = Buffer.from(text);
    if (bytes.length > MAX_LENGTH) throw new RangeError(`a state has at most ${MAX_LENGTH} bytes of JSON, not ${bytes.length}`);
    const next: Extent = { sequence: (this.#live?.sequence ?? 0) + 1, offset: this.#freeOffset(bytes.length), length: bytes.length, checksum: crc32(bytes) };
    this.#put(bytes, next.offset);
    // Only now is there something that this header can speak of.
    this.#put(encode(next), (next.sequence % SLOTS) * SLOT);
    this.#live = next;
  }

  /** What was written last; undefined if nothing has been. @throws StoreError if it is damaged, which no death can have done */
  read(): unknown {
    if (this.#live === undefined) return undefined;
    const { offset, length, checksum } = this.#live;
    const bytes = readExactly(this.fd, offset, length);
    if (bytes === undefined || crc32(bytes) !== checksum) throw new StoreError('the state that was kept is damaged');
    return JSON.parse(bytes.toString());
  }

  /** Others that have the descriptor keep the state. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }

  /** Room that the live state does not take: before it, or behind it. */
  #freeOffset(length: number): number {
    if (this.#live === undefined || DATA_AT + length <= this.#live.offset) return DATA_AT;
    return this.#live.offset + this.#live.length;
  }

  #put(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) done += this.#writeAt(this.fd, bytes.subarray(done), at + done);
  }
}

function encode({ sequence, offset, length, checksum }: Extent): Buffer {
  const header = Buffer.alloc(HEADER.size);
  MAGIC.copy(header, HEADER.magic);
  header.writeBigUInt64LE(BigInt(sequence), HEADER.sequence);
  header.writeBigUInt64LE(BigInt(offset), HEADER.offset);
  header.writeBigUInt64LE(BigInt(length), HEADER.length);
  header.writeUInt32LE(checksum, HEADER.checksum);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER.ownChecksum)), HEADER.ownChecksum);
  return header;
}

/** Undefined for a header that is not, or not wholly, written. */
function decode(header: Buffer): Extent | undefined {
  if (header.readUInt32LE(HEADER.ownChecksum) !== crc32(header.subarray(0, HEADER.ownChecksum))) return undefined;
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const [sequence, offset, length] = [HEADER.sequence, HEADER.offset, HEADER.length].map((at) => Number(header.readBigUInt64LE(at))) as [number, number, number];
  return { sequence, offset, length, checksum: header.readUInt32LE(HEADER.checksum) };
}

/** The later of the two that are whole. @throws StoreError */
function findLive(fd: number): Extent | undefined {
  if (!fstatSync(fd).isFile()) throw new StoreError('what was kept as a state is no file');
  const headers = Array.from({ length: SLOTS }, (_, i) => readExactly(fd, i * SLOT, HEADER.size) ?? Buffer.alloc(HEADER.size));
  const [live] = headers.flatMap((header) => decode(header) ?? []).sort((a, b) => b.sequence - a.sequence);
  // The first state goes into the second slot: until it has, the first one is empty.
  if (live === undefined && headers[0]?.some((byte) => byte !== 0) === true) throw new StoreError('the state that was kept is damaged, or no state');
  return live;
}

function readExactly(fd: number, at: number, length: number): Buffer | undefined {
  if (at + length > fstatSync(fd).size) return undefined;
  const bytes = Buffer.alloc(length);
  return readSync(fd, bytes, 0, length, at) === length ? bytes : undefined;
}
