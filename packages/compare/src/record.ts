import { crc32 } from 'node:zlib';

/** Magic, number, length of the payload, its checksum or 0: 32 bits each, little-endian. */
const HEADER = 16;
const MAGIC = 0x6c_6f_67_2e;

/** Bytes of a record of that name, `size` of them with its header. Its payload has no zeros and repeats itself in no 8 bytes. */
export function encodeRecord(name: string, number: number, size: number, { checksum }: { readonly checksum: boolean }): Buffer {
  const bytes = Buffer.alloc(size, `record ${number} of ${name}. `);
  const payload = bytes.subarray(HEADER);
  [MAGIC, number, payload.length, checksum ? crc32(payload) : 0].forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  return bytes;
}

/** Numbers of the records that a program takes for whole when it reads a log from its beginning: up to the first that is not. */
export function readLog(log: Buffer, { checksum }: { readonly checksum: boolean }): number[] {
  const found: number[] = [];
  for (let at = 0; at + HEADER <= log.length; ) {
    const [magic, number = 0, length = 0, sum] = Array.from({ length: 4 }, (_, i) => log.readUInt32LE(at + 4 * i));
    const payload = log.subarray(at + HEADER, at + HEADER + length);
    if (magic !== MAGIC || number !== found.length || payload.length !== length) break;
    if (checksum && crc32(payload) !== sum) break;
    found.push(number);
    at += HEADER + length;
  }
  return found;
}
