import type { ByteName, ByteRange, ReadableImage } from './byte-name.ts';
import { ChangedBytes } from './changed-bytes.ts';
import { findReader } from './file-system.ts';
import type { DiskReader } from './disk-reader.ts';
import { ImageView } from './image-view.ts';
import { SqliteFiles } from './sqlite/sqlite-files.ts';
import { RANK, runText, stretchText, type PartAt, type Run, type Stretch } from './stretch.ts';

/** Names of one call. */
const MOST_NAMES = 10_000;
/** Parts of a structure that are named one by one, and those that are looked at. */
const MOST_PARTS = 6;
/** In a range of so many bytes all parts are named, whether they differ or not. */
const FEW_BYTES = 64;
const MOST_SEEN = 4096;
/** Steps through the bytes of one call: 16 GiB of blocks of 4 KiB. */
const MOST_STEPS = 4 * 2 ** 20;

/**
 * Says what bytes of a disk belong to. `images` are contents of that disk in different states, likeliest to be whole first: what one
 * does not tell, another may, and where they differ within a structure, its name has the fields or entries that do. Any image will do;
 * a damaged one makes names poorer, never an error. Each range comes back as names that follow each other and together cover it.
 */
export function nameBytes(images: readonly ReadableImage[], ranges: readonly ByteRange[]): ByteName[] {
  const views = images.map((image) => new ImageView(image));
  const namer = new Namer(views);
  return ranges.flatMap(({ offset, length }) => namer.names(offset, offset + length));
}

class Namer {
  readonly #changed: ChangedBytes;
  readonly #readers: readonly { readonly disk: DiskReader; readonly sqlite: SqliteFiles }[];
  #names = 0;
  #steps = 0;

  constructor(views: readonly ImageView[]) {
    this.#changed = new ChangedBytes(views);
    this.#readers = views.flatMap((view) => findReader(view) ?? []).map((disk) => ({ disk, sqlite: new SqliteFiles(disk) }));
  }

  names(from: number, end: number): ByteName[] {
    const names: Named[] = [];
    for (let at = from; at < end; ) {
      if (++this.#steps > MOST_STEPS || this.#names > MOST_NAMES) {
        names.push(plain(at, end, 'not looked at: there is too much'));
        break;
      }
      const name = this.#name(at, end, end - from <= FEW_BYTES);
      const last = names.at(-1);
      if (last === undefined || !extend(last, name)) {
        names.push(name);
        this.#names++;
      }
      at += name.length;
    }
    return names.map(({ offset, length, name, path, fileOffset }) => ({ offset, length, name, ...(path === undefined ? {} : { path }), ...(fileOffset === undefined ? {} : { fileOffset }) }));
  }

  /** `isFew`: so few bytes are asked about that each part is of interest. */
  #name(at: number, limit: number, isFew: boolean): Named {
    const stretch = this.#stretch(at, limit);
    const end = Math.max(at + 1, Math.min(limit, stretch.end));
    const { path, fileOffset, group, run, partAt } = stretch;
    const changes = this.#changed.canTell && this.#changed.next(at, end) !== undefined;
    if (run !== undefined && !changes) return { ...plain(at, end, stretch.what), run, last: run.number };
    // What does not differ is not told of one by one, where something else does.
    if (group !== undefined && this.#changed.canTell && !changes) return plain(at, end, group);
    const what = `${stretch.what}${partAt === undefined || !(changes || isFew) ? '' : this.#parts(partAt, at, end, changes)}`;
    return { ...plain(at, end, what), path, fileOffset, name: stretchText({ ...stretch, what }) };
  }

  /** What the first image knows, or another knows better. */
  #stretch(at: number, limit: number): Stretch {
    let best: Stretch = { end: limit, rank: RANK.unknown, what: 'unknown' };
    for (const { disk, sqlite } of this.#readers) {
      const stretch = disk.stretchAt(at);
      if (stretch.rank > best.rank) best = sqlite.refine(stretch, at);
      if (best.rank === RANK.owned) break;
    }
    return best;
  }

  /** Fields and entries: those that differ between images, or those asked about if they are few. */
  #parts(partAt: PartAt, from: number, end: number, onlyChanged: boolean): string {
    const labels = new Set<string>();
    for (let at = from, seen = 0; at < end && seen < MOST_SEEN; seen++) {
      if (!onlyChanged && labels.size > MOST_PARTS) return '';
      const next = onlyChanged ? this.#changed.next(at, end) : at;
      if (next === undefined) break;
      const part = partAt(next);
      if (part !== undefined) labels.add(part.label);
      at = Math.max(next + 1, part?.end ?? 0);
    }
    if (labels.size === 0 || (!onlyChanged && labels.size > MOST_PARTS)) return '';
    const [...all] = labels;
    const more = all.length - MOST_PARTS;
    return `: ${all.slice(0, MOST_PARTS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }
}

/** A name, and what of it is the same for all of a file, or of a run. */
interface Named {
  readonly offset: number;
  length: number;
  name: string;
  readonly path: string | undefined;
  readonly fileOffset: number | undefined;
  readonly what: string;
  readonly run: Run | undefined;
  /** Number of the last of a run. */
  last: number;
}

function plain(offset: number, end: number, name: string): Named {
  return { offset, length: end - offset, name, path: undefined, fileOffset: undefined, what: name, run: undefined, last: 0 };
}

/** Adds the name that follows to `own`, if they are of the same; false if they are not. */
function extend(own: Named, next: Named): boolean {
  if (own.run !== undefined && next.run !== undefined) {
    const step = next.last - own.last;
    if (own.run.noun !== next.run.noun || own.run.remark !== next.run.remark || step < 0 || step > 1) return false;
    if (step === 1) own.name = runText(own.run, next.last);
    own.last = next.last;
  } else {
    if (own.what !== next.what || own.path !== next.path) return false;
    if (own.fileOffset === undefined ? next.fileOffset !== undefined || own.name !== next.name : next.fileOffset !== own.fileOffset + own.length) return false;
  }
  own.length += next.length;
  return true;
}
