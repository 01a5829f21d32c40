import { acknowledged } from '@vpmem/check-places';
import type { ByteName, ByteRange, ReadableImage } from '@vpmem/disk-names';
import type { CheckQuestion, MemoryVerdict } from '@vpmem/explorer';

/** Where things are in the log: its header in the first page, then one record a page. */
const PAGE = 4096;
/** A number of 32 bits: how many records there are. */
const COUNT = { offset: 0, length: 4 } as const;
const RECORD_BYTES = 48;

/** What the log is kept on. */
export interface LogDisk {
  write(offset: number, bytes: Uint8Array): void;
  fsync(): Promise<void>;
}

/**
 * Appends record `number`, counted from 1. The mistake is a classic one: record and header are flushed by one fsync, so the header can be
 * durable before the record is.
 */
export async function append(disk: LogDisk, number: number, { mistake }: { readonly mistake: boolean }): Promise<void> {
  disk.write(number * PAGE, recordBytes(number));
  if (!mistake) await disk.fsync();
  const count = Buffer.alloc(COUNT.length);
  count.writeUInt32LE(number);
  disk.write(COUNT.offset, count);
  await disk.fsync();
}

/** What the log promises: each record that was acknowledged is there, and each that the header counts is whole. */
export function checkLog(image: ReadableImage, { marks }: CheckQuestion): MemoryVerdict {
  const count = Buffer.from(image.read(COUNT.offset, COUNT.length)).readUInt32LE();
  const promised = Number(acknowledged(marks) ?? 0);
  if (count < promised) return { verdict: 'violated', signature: 'a record was acknowledged and is lost', output: `${count} records, ${promised} were acknowledged` };
  for (let number = 1; number <= count; number++) {
    const found = Buffer.from(image.read(number * PAGE, RECORD_BYTES));
    if (!found.equals(recordBytes(number))) return { verdict: 'violated', signature: 'the header counts a record that is not there', output: `the header counts ${count} records; record ${number} is '${found.toString('latin1').replaceAll('\0', '.')}'` };
  }
  return { verdict: 'kept' };
}

/** What bytes of the log are. */
export function nameLogBytes(_images: readonly ReadableImage[], ranges: readonly ByteRange[]): ByteName[] {
  return ranges.map(({ offset, length }) => {
    const page = Math.floor(offset / PAGE);
    return { offset, length, name: page === 0 ? 'log header: how many records there are' : `log record ${page}` };
  });
}

function recordBytes(number: number): Buffer {
  return Buffer.alloc(RECORD_BYTES, `record ${number} of the log. `);
}
