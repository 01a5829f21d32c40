import { LogFlag } from '../src/log-layout.ts';

/** What a replay has got to. */
export interface ReplayStop {
  readonly entry: number;
  /** Of the log, the first that was not read. */
  readonly sector: number;
  readonly flags: number;
  readonly mark: string;
  /** The image at that moment; a copy only if it is taken. */
  readonly image: Uint8Array;
}

/**
 * Replays a whole log onto an image, or onto none if it is empty, entry by entry, as xfstests' replay-log does: in the order of the log, whatever the flags.
 * Reads the bytes by itself, so that a mistake of our reader is not in it as well.
 */
export function* replayLog(log: Uint8Array, image: Uint8Array): Generator<ReplayStop, void, undefined> {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const word = (offset: number): number => Number(view.getBigUint64(offset, true));
  const [count, size] = [word(16), view.getUint32(24, true)];
  let at = size;
  for (let entry = 0; entry < count; entry++) {
    const [sector, sectors, flags, length] = [word(at), word(at + 8), word(at + 16), word(at + 24)];
    const mark = Buffer.from(log.subarray(at + 32, at + 32 + length)).toString();
    at += size;
    if ((flags & LogFlag.discard) !== 0) {
      image.fill(0, sector * size, (sector + sectors) * size);
    } else {
      if (image.length > 0) image.set(log.subarray(at, at + sectors * size), sector * size);
      at += sectors * size;
    }
    yield { entry, sector: at / size, flags, mark, image };
  }
}
