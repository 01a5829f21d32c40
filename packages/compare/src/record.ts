import { crc32 } from 'node:zlib';

/** Magic, checksum or 0, number, length of the payload: 32 bits each, little-endian. The checksum is of what follows it. */
const HEADER = 16;
const SUMMED = 8;
const MAGIC = 0x6c_6f_67_2e;

/** Bytes of a record of that name, `size` of them with its header. Its payload has no zeros and repeats itself in no 8 bytes. */
export function encodeRecord(name: string, number: number, size: number, { checksum }: { readonly checksum: boolean }): Buffer {
  const bytes = Buffer.alloc(size, `record ${number} of ${name}. `);
  [MAGIC, 0, number, size - HEADER].forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  if (checksum) bytes.writeUInt32LE(crc32(bytes.subarray(SUMMED)), 4);
  return bytes;
}

/** Numbers of the records that a program takes for whole when it reads a log from its beginning: up to the first that is not. */
export function readLog(log: Buffer, { checksum }: { readonly checksum: boolean }): number[] {
  const found: number[] = [];
  for (let at = 0; at + HEADER <= log.length; ) {
    const [magic, sum, number = 0, length = 0] = Array.from({ length: 4 }, (_, i) => log.readUInt32LE(at + 4 * i));
    if (magic !== MAGIC || number !== found.length || at + HEADER + length > log.length) break;
    // Of the length too: a torn record's may be 0, and so may the checksum of nothing.
    if (checksum && crc32(log.subarray(at + SUMMED, at + HEADER + length)) !== sum) break;
    found.push(number);
    at += HEADER + length;
  }
  return found;
}
