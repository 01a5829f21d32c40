import { closeSync, readSync, writeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { fromLogWrites, LogFlag, LogWritesError, LogWritesReader } from '@vpmem/log-writes';
import { MemoryFile, Recording, RecordingWriter, type AppendFile } from '@vpmem/recording';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { must, type Target } from '../target.ts';

const SIZE = 4 * 4096;
const MAGIC = 0x6a_7366_7773_6872n;
const MOST_ENTRIES = 24;
/** Numbers of sectors that an entry may claim beside small ones. */
const LARGE = [0xffn, 2n ** 31n, 2n ** 44n, 2n ** 53n, 2n ** 64n - 1n];

/** A file that grows in memory. */
class Grown implements AppendFile {
  bytes = new Uint8Array(0);
  write(bytes: Uint8Array): void {
    this.bytes = new Uint8Array(Buffer.concat([this.bytes, bytes]));
  }
  truncate(size: number): void {
    this.bytes = this.bytes.slice(0, size);
  }
  close(): void {
    // It stays as it is.
  }
  remove(): void {
    this.bytes = new Uint8Array(0);
  }
}

/** A log with anything in its fields, and what it makes of an image of zeroes if all of it can be read. */
function forge(input: ByteReader): { readonly log: Buffer; readonly image: Uint8Array; readonly marks: number } {
  const wrong = input.u8();
  const size = (wrong & 1) === 0 ? 512 : 4096;
  const super_ = Buffer.alloc(size);
  super_.writeBigUInt64LE((wrong & 0x80) === 0 ? MAGIC : input.u64(), 0);
  super_.writeBigUInt64LE((wrong & 0x40) === 0 ? 1n : input.u64(), 8);
  super_.writeUInt32LE((wrong & 0x20) === 0 ? size : input.u32(), 24);
  const parts = [super_];
  const image = new Uint8Array(SIZE);
  const count = input.below(MOST_ENTRIES);
  let marks = 0;
  for (let left = count; left > 0; left--) {
    const entry = Buffer.alloc(size);
    const [kind, flags, at, sectors] = [input.u8(), input.u8() % 40, input.below(40), input.below(12)];
    entry.writeBigUInt64LE(BigInt(at), 0);
    entry.writeBigUInt64LE((kind & 0x3f) === 1 ? input.pick(LARGE) : BigInt(sectors), 8);
    entry.writeBigUInt64LE(BigInt(flags), 16);
    if ((flags & LogFlag.mark) !== 0 || (kind & 0x3f) === 2) {
      const text = input.bytes(input.below(24));
      entry.writeBigUInt64LE((kind & 0x3f) === 3 ? input.u64() : BigInt(text.length), 24);
      entry.set(text, 32);
      marks++;
    }
    parts.push(entry);
    const [from, to, discard] = [at * size, (at + sectors) * size, (flags & LogFlag.discard) !== 0];
    const fill = input.u8();
    if (!discard) parts.push(Buffer.alloc(sectors * size, fill));
    image.fill(discard ? 0 : fill, from, to);
  }
  super_.writeBigUInt64LE((wrong & 0x10) === 0 ? BigInt(count) : input.u64(), 16);
  const log = Buffer.concat(parts);
  return { log: (wrong & 0x08) === 0 ? log : log.subarray(0, input.u16()), image, marks };
}

/** The log as a recording; undefined if it is refused. */
function imported(log: number, base: number): { readonly recording: Recording; readonly flushes: number; readonly marks: number } | undefined {
  try {
    const reader = new LogWritesReader(log);
    let next = 1;
    for (const { at, flags, length } of reader.entries()) {
      must(at === next, () => `an entry at sector ${at}, where ${next} is the next`);
      next += 1 + ((flags & LogFlag.discard) === 0 ? length / reader.sectorSize : 0);
    }
    const file = new Grown();
    const result = fromLogWrites(reader, { fd: base, size: SIZE }, RecordingWriter.onto(file, { size: SIZE, now: () => 0, startTime: 0, id: new Uint8Array(16) }));
    return { recording: Recording.of(new MemoryFile(file.bytes)), ...result };
  } catch (error) {
    if (error instanceof LogWritesError) return undefined;
    throw error;
  }
}

function check({ recording, flushes, marks }: NonNullable<ReturnType<typeof imported>>, image: Uint8Array, most: number): void {
  must(recording.complete, () => `the recording has no end: ${recording.ending.text}`);
  must(recording.windows.length === flushes + 1, () => `${recording.windows.length - 1} windows of ${flushes} flushes`);
  must(marks <= most, () => `${marks} marks of ${most}`);
  const made = new Uint8Array(SIZE);
  const fd = createMemfd('vpmem-fuzz-image', SIZE, { seal: false });
  try {
    recording.imageOf('end:all', fd);
    readSync(fd, made, 0, SIZE, 0);
  } finally {
    closeSync(fd);
  }
  must(Buffer.compare(made, image) === 0, () => 'the image at the end is not what the entries make');
}

/** A log of dm-log-writes with anything in it, and the recording that is made of it. */
export const logWrites: Target = {
  run: (bytes) => {
    const { log, image, marks } = forge(new ByteReader(bytes));
    const [fd, base] = [createMemfd('vpmem-fuzz-log', log.length, { seal: false }), createMemfd('vpmem-fuzz-base', SIZE, { seal: false })];
    try {
      writeSync(fd, log, 0, log.length, 0);
      const made = imported(fd, base);
      if (made !== undefined && (bytes[0] ?? 0) < 0x10) check(made, image, marks);
    } finally {
      closeSync(fd);
      closeSync(base);
    }
  },
  seeds: [
    new ByteWriter().u8(0, 4).u8(0, 0, 3, 2, 0x61).u8(0, LogFlag.flush, 0, 0, 0).u8(0, LogFlag.mark, 0, 0, 4).bytes(Buffer.from('mark')).u8(0).u8(0, LogFlag.fua, 3, 1, 0x62).done,
    new ByteWriter().u8(1, 3).u8(0, 0, 0, 2, 0x61).u8(0, LogFlag.discard, 1, 2, 0).u8(0, LogFlag.flush | LogFlag.fua, 2, 1, 0x62).done,
    new ByteWriter().u8(0x10, 2).u8(0, 0, 0, 2, 0x61).u8(1, 0, 0, 0, 3, 0x62).u64(2n ** 60n).done,
    new ByteWriter().u8(8, 2).u8(0, 0, 0, 2, 0x61).u8(0, 1, 0, 0, 0).u16(1500).done,
    new ByteWriter().u8(8, 1).u8(0, 0, 0, 2, 0x61).u16(1500).done,
    new ByteWriter().u8(0xe0).u64(MAGIC + 1n).done,
  ],
  maxLength: 512,
  maxSteps: (length) => 200_000 + 2_000 * length,
  maxBytes: 2 ** 24,
};
