import { crc32 } from 'node:zlib';
import type { PowerSetting } from './power-setting.ts';

/** epoch, number, length of the payload, its checksum: 32 bits each. */
const HEADER = 16;

/** A log as small as a log can be: records one after the other, each acknowledged after an fsync, or without. */
export class RecordLog {
  /** Records that whoever wrote them believes to be durable. */
  acknowledged = 0;
  readonly #disk: PowerSetting;
  readonly #epoch: number;
  readonly #fsync: boolean;
  #end = 0;
  #written = 0;

  /** `epoch` tells this log's records from those of logs that were there before. */
  constructor(disk: PowerSetting, epoch: number, options: { readonly fsync: boolean }) {
    this.#disk = disk;
    this.#epoch = epoch;
    this.#fsync = options.fsync;
  }

  /** Bytes that a record of that payload takes. */
  static sizeOf(payload: Uint8Array): number {
    return HEADER + payload.length;
  }

  async append(payload: Uint8Array): Promise<void> {
    const header = Buffer.alloc(HEADER);
    [this.#epoch, this.#written, payload.length, crc32(payload)].forEach((value, i) => header.writeUInt32LE(value, 4 * i));
    await this.#disk.store(this.#end, Buffer.concat([header, payload]));
    this.#end += HEADER + payload.length;
    this.#written++;
    if (this.#fsync) await this.#disk.fsync();
    this.acknowledged = this.#written;
  }

  /** How many records of the log are whole, from the first on. */
  static recover(disk: Buffer, epoch: number): number {
    let number = 0;
    for (let at = 0; at + HEADER <= disk.length; number++) {
      const [found, index, length = 0, checksum] = Array.from({ length: 4 }, (_, i) => disk.readUInt32LE(at + 4 * i));
      const payload = disk.subarray(at + HEADER, at + HEADER + length);
      if (found !== epoch || index !== number || payload.length !== length || crc32(payload) !== checksum) break;
      at += HEADER + length;
    }
    return number;
  }
}
