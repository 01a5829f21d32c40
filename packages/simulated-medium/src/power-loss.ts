// What a power cut does to a simulated medium, in its thread: plain functions over two files.
import { closeSync, constants, copyFileSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { createMemfd, dataExtents, replaceDescriptor, readSpan, writeSpan, type FileSpan } from '@vpmem/native';
import { countDifferences, forEachDifference, type DifferingPages, type TrackedMemory } from '@vpmem/page-tracker';
import { randomAt } from '@vpmem/recording';
import { GRANULARITY_BYTES, survives, type Survival } from './survival.ts';

/** What becomes of the bytes that were not durable. */
export interface Losses {
  /** Bytes that differed from the file and are gone. */
  readonly lost: number;
  /** Bytes that differed from the file and are in it now. */
  readonly survived: number;
}

/** A power cut, and whether it comes in the middle of a flush that had been writing in the order of addresses. */
export interface Cut {
  readonly survival: Survival;
  readonly midFlush: boolean;
}

const COPY_CHUNK = 2 ** 18;
/** Beyond every unit: where in the sequence of a seed the number is that says how far a flush had come. */
const PROGRESS_INDEX = 2 ** 52;

/**
 * The power goes: the file gets what survives, and memory begins anew with what the file then holds. `left` hears of each page that was
 * not durable: what it is left with as held, what the file held before as kept.
 */
export function cutPower(medium: TrackedMemory, cut: Cut, left?: (pages: DifferingPages) => void): Losses {
  const losses = applySurvivors(medium, cut, medium.file, left);
  fdatasyncSync(medium.file.fd);
  const fresh = createMemfd('power-failure', medium.size);
  try {
    copySpan(medium.file, medium.size, { fd: fresh, offset: 0 });
    replaceDescriptor(fresh, medium.memory.fd);
  } finally {
    closeSync(fresh);
  }
  return losses;
}

/** Makes the file that a power cut would leave now, of `medium.size` bytes; there must be none at `path`. */
export function makeImage(medium: TrackedMemory, cut: Cut, path: string): Losses {
  const image = cloneFile(medium, path);
  try {
    return applySurvivors(medium, cut, { fd: image, offset: 0 });
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(image);
  }
}

/** Writes what survives of the differing bytes to `target`, which holds what the file does. */
function applySurvivors(medium: TrackedMemory, { survival, midFlush }: Cut, target: FileSpan, tell?: (pages: DifferingPages) => void): Losses {
  let flushed = midFlush ? bytesFlushed(medium, survival.seed) : 0;
  const losses = { lost: 0, survived: 0 };
  // Where all units share one fate, their size makes no difference but to the time it takes.
  const unit = GRANULARITY_BYTES[survival.survivors === 'random' ? survival.granularity : 'page'];
  forEachDifference(medium, (pages) => {
    const { at, held, kept } = pages;
    const left = Buffer.from(kept);
    for (let i = 0; i < held.length; i += unit) {
      const differing = countDifferences(pages, i, i + unit);
      if (differing === 0) continue;
      const survivor = i < flushed || survives(survival, at + i);
      losses[survivor ? 'survived' : 'lost'] += differing;
      if (survivor) held.copy(left, i, i, i + unit);
    }
    flushed -= held.length;
    tell?.({ at, held: left, kept });
    if (!left.equals(kept)) writeSpan(target, at, left);
  });
  return losses;
}

/** Of what a flush writes, how much it had written when it was cut off; the seed decides. */
function bytesFlushed(medium: TrackedMemory, seed: number): number {
  let pages = 0;
  const page = GRANULARITY_BYTES.page;
  forEachDifference(medium, ({ held }) => (pages += held.length / page));
  return page * (randomAt(seed, PROGRESS_INDEX) % (pages + 1));
}

/** A new file that holds what the medium's file does; shares its storage where the file system can. */
function cloneFile({ file, size }: TrackedMemory, path: string): number {
  if (file.offset === 0 && fstatSync(file.fd).size === size) {
    try {
      copyFileSync(`/proc/self/fd/${file.fd}`, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      return openSync(path, constants.O_RDWR);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    }
  }
  const image = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    ftruncateSync(image, size);
    copySpan(file, size, { fd: image, offset: 0 });
  } catch (error) {
    closeSync(image);
    unlinkSync(path);
    throw error;
  }
  return image;
}

/** Copies data, and leaves holes. */
function copySpan(source: FileSpan, size: number, target: FileSpan): void {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_CHUNK, size));
  for (const { start, end } of dataExtents(source.fd, source.offset, source.offset + size)) {
    for (let at = start - source.offset; at < end - source.offset; at += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, end - source.offset - at));
      readSpan(source, at, piece);
      writeSpan(target, at, piece);
    }
  }
}
