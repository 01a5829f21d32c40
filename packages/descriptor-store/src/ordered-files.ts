import { compareOpenFiles, sameOpenFile } from '@vpmem/native';

/** Something of one open file, under whichever numbers this process has it. */
export interface OfOpenFile {
  readonly fds: ReadonlySet<number>;
}

/** Finds what belongs to an open file, of thousands, by an order of open files; where the kernel has none, by asking one after the other. */
export class OrderedFiles<T extends OfOpenFile> {
  readonly #all: T[] = [];
  /** Whether they are in that order. */
  #ordered = true;

  /** That of the same open file as `fd`. @throws RangeError if it is not open */
  find(fd: number): T | undefined {
    const at = this.#search(fd);
    if (at === undefined) return this.#all.find((each) => sameOpenFile(numberOf(each), fd));
    const found = this.#all[at];
    return found !== undefined && compareOpenFiles(numberOf(found), fd) === 0 ? found : undefined;
  }

  /** One whose open file has none yet. */
  add(one: T): void {
    const at = this.#search(numberOf(one));
    if (at === undefined) this.#ordered = false;
    this.#all.splice(at ?? this.#all.length, 0, one);
  }

  /** While it has a number still; one that is not there is ignored. */
  remove(one: T): void {
    const at = this.#all.indexOf(one);
    if (at !== -1) this.#all.splice(at, 1);
  }

  /** Of the first that does not come before `fd`. */
  #search(fd: number): number | undefined {
    if (!this.#ordered) return undefined;
    let [low, high] = [0, this.#all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const one = this.#all[middle];
      const order = one === undefined ? 0 : compareOpenFiles(numberOf(one), fd);
      if (order === undefined) return undefined;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function numberOf({ fds: [fd] }: OfOpenFile & { readonly fds: Iterable<number> }): number {
  if (fd === undefined) throw new TypeError('an open file without a number');
  return fd;
}
