import { decodeBase, type BaseExtent } from '../base-content.ts';
import type { ByteFile } from './byte-file.ts';
import { MalformedError } from './byte-source.ts';
import { hex, PAGE_SIZE } from './file-header.ts';
import { readFrameStart } from './frame-scan.ts';
import type { FrameTable } from './frame-table.ts';
import { frameChecksum, FrameHeader } from './frame.ts';
import { PageChanges } from '../page-changes.ts';
import { RecordingError } from '../recording-error.ts';

/** Bytes of decoded frames that are kept. */
const KEPT = 2 ** 25;

/** What is in the frames of a table, read when it is asked for. The last that were asked for are kept, up to some 32 MiB. */
export class FrameStore {
  readonly #file: ByteFile;
  readonly #table: FrameTable;
  readonly #size: number;
  readonly #readable: (frame: number) => string;
  /** The one that was asked for last is the last. */
  readonly #kept = new Map<number, PageChanges>();
  #weight = 0;
  #last: { readonly frame: number; readonly changes: PageChanges } | undefined;

  /** `size` is that of the memory; `readable` says in words what can be read if a frame cannot. */
  constructor(file: ByteFile, table: FrameTable, size: number, readable: (frame: number) => string) {
    this.#file = file;
    this.#table = table;
    this.#size = size;
    this.#readable = readable;
  }

  /** What a frame holds; valid until the next is read. @throws RecordingError damaged */
  payload(frame: number): Uint8Array {
    return this.#attempt(frame, () => {
      const row = this.#table.row(frame);
      const bytes = this.#file.read(row.offset, FrameHeader.size + row.length);
      if (bytes.length < FrameHeader.size + row.length) throw new MalformedError('the file ends within it');
      const { crc, type, flags, length, seq, time } = readFrameStart(bytes);
      const right = frameChecksum(bytes);
      if (crc !== right) throw new MalformedError(`it has checksum ${hex(crc)} and should have ${hex(right)}`);
      if (type !== row.type || flags !== row.flags || length !== row.length || seq !== row.seq || time !== row.time) throw new MalformedError('it is not the one that the index lists');
      return bytes.subarray(FrameHeader.size);
    });
  }

  /** What `decode` makes of a frame. @throws RecordingError damaged */
  decoded<T>(frame: number, decode: (payload: Uint8Array, flags: number) => T): T {
    const payload = this.payload(frame);
    return this.#attempt(frame, () => decode(payload, this.#table.flags(frame)));
  }

  /** @throws RecordingError damaged */
  base(frame: number): BaseExtent {
    return this.decoded(frame, (payload, flags) => decodeBase(payload, flags, this.#size));
  }

  /** @throws RecordingError damaged */
  changes(frame: number): PageChanges {
    // Page after page of one frame is asked for.
    if (this.#last?.frame === frame) return this.#last.changes;
    const changes = this.#changes(frame);
    this.#last = { frame, changes };
    return changes;
  }

  #changes(frame: number): PageChanges {
    const kept = this.#kept.get(frame);
    const changes = kept ?? this.decoded(frame, (payload, flags) => PageChanges.decode(payload, flags, this.#size / PAGE_SIZE));
    if (kept === undefined) this.#weight += changes.weight;
    else this.#kept.delete(frame);
    this.#kept.set(frame, changes);
    for (const [oldest, { weight }] of this.#kept) {
      if (this.#weight <= KEPT || oldest === frame) break;
      this.#kept.delete(oldest);
      this.#weight -= weight;
    }
    return changes;
  }

  #attempt<T>(frame: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const { offset } = this.#table.row(frame);
      throw new RecordingError('damaged', `the frame at offset ${offset} is damaged: ${error.message}; ${this.#readable(frame)}`, { offset, cause: error });
    }
  }
}
