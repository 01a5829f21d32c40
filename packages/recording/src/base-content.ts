import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { dataExtents } from '@vpmem/native';
import { ByteSink } from './file/byte-sink.ts';
import { ByteSource, MalformedError } from './file/byte-source.ts';
import { PAGE_SIZE } from './file/file-header.ts';
import { deflated, inflated } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';

/** Bytes of a stretch in one frame, before it is deflated. */
export const BASE_CHUNK = 2 ** 20;
/** Bytes of a stretch that tell how far it can be deflated. */
const SAMPLE = 2 ** 14;
const ZERO_PAGE = Buffer.alloc(PAGE_SIZE);

/** A stretch of whole pages of what was durable when a recording began; what lies in none is zeroes. */
export interface BaseExtent {
  /** Where it begins, in bytes. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** @throws RecordingError bad-input where a stretch is not of whole pages, from `end` to `size` */
export function checkExtent({ at, bytes }: BaseExtent, end: number, size: number): void {
  if (at % PAGE_SIZE === 0 && bytes.length % PAGE_SIZE === 0 && at >= end && at + bytes.length <= size) return;
  throw new RecordingError('bad-input', `a stretch of ${bytes.length} bytes at ${at}: whole pages, from ${end} to ${size}, can come now`);
}

/** The stretches of `size` bytes of a file from `offset` that hold data, in pieces; the buffer is used again. */
export function* fileExtents(fd: number, size: number, offset = 0): Generator<BaseExtent> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, BASE_CHUNK));
  let done = 0;
  for (const { start, end } of dataExtents(fd, offset, offset + size)) {
    // A hole may be no multiple of a page where blocks are smaller.
    const last = Math.min(size, Math.ceil((end - offset) / PAGE_SIZE) * PAGE_SIZE);
    for (done = Math.max(done, Math.floor((start - offset) / PAGE_SIZE) * PAGE_SIZE); done < last; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, last - done));
      readWhole(fd, piece, offset + done);
      yield { at: done, bytes: piece };
      done += piece.length;
    }
  }
}

function readWhole(fd: number, piece: Uint8Array, at: number): void {
  for (let got = 0; got < piece.length; ) {
    const count = readSync(fd, piece, got, piece.length - got, at + got);
    if (count === 0) throw new RecordingError('bad-input', `the file ends at ${at + got}; ${at + piece.length} bytes of it are to be recorded`);
    got += count;
  }
}

/** Whether a page, or any piece of one, is all zeroes. */
export function isZero(bytes: Uint8Array): boolean {
  return ZERO_PAGE.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

/** `bytes` without pages of zeroes at either end; undefined if nothing else is there. */
export function withoutZeroPages({ at, bytes }: BaseExtent): BaseExtent | undefined {
  let [start, end] = [0, bytes.length];
  while (start < end && isZero(bytes.subarray(start, start + PAGE_SIZE))) start += PAGE_SIZE;
  while (end > start && isZero(bytes.subarray(end - PAGE_SIZE, end))) end -= PAGE_SIZE;
  return start === end ? undefined : { at: at + start, bytes: bytes.subarray(start, end) };
}

/** Payload and flags of a BASE frame. */
export function encodeBase({ at, bytes }: BaseExtent): { readonly payload: Uint8Array; readonly flags: number } {
  const { payload, flags } = isWorthDeflating(bytes) ? deflated(bytes) : { payload: bytes, flags: 0 };
  const sink = new ByteSink(payload.length + 8);
  sink.varint(at / PAGE_SIZE);
  sink.bytes(payload);
  return { payload: sink.view(), flags };
}

/** By a part in its middle: what hardly gets shorter takes longest, and there may be gigabytes of it. */
function isWorthDeflating(bytes: Uint8Array): boolean {
  if (bytes.length <= 4 * SAMPLE) return true;
  const middle = Math.floor(bytes.length / 2);
  return deflated(bytes.subarray(middle, middle + SAMPLE)).payload.length < 0.75 * SAMPLE;
}

/** `size` is that of the memory. @throws MalformedError */
export function decodeBase(payload: Uint8Array, flags: number, size: number): BaseExtent {
  const source = new ByteSource(payload);
  const at = source.varint() * PAGE_SIZE;
  const bytes = inflated(source.rest(), flags, BASE_CHUNK);
  if (bytes.length === 0 || bytes.length % PAGE_SIZE !== 0 || bytes.length > BASE_CHUNK) throw new MalformedError(`it holds ${bytes.length} bytes, which are no whole pages`);
  if (at + bytes.length > size) throw new MalformedError(`it goes on to ${at + bytes.length}; the memory has ${size} bytes`);
  return { at, bytes };
}

/** SHA-256 of the memory's size and of each page that is not all zeroes, with its number: so holes cost nothing. */
export class BaseHash {
  readonly #hash: Hash = createHash('sha256');
  readonly #number = Buffer.alloc(8);

  constructor(size: number) {
    this.#add(size);
  }

  /** Stretches have to come in ascending order. */
  update({ at, bytes }: BaseExtent): void {
    for (let i = 0; i < bytes.length; i += PAGE_SIZE) {
      const page = bytes.subarray(i, i + PAGE_SIZE);
      if (isZero(page)) continue;
      this.#add((at + i) / PAGE_SIZE);
      this.#hash.update(page);
    }
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }

  #add(value: number): void {
    this.#number.writeBigUInt64LE(BigInt(value));
    this.#hash.update(this.#number);
  }
}
