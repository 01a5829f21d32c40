import { errnoOf, PageMap, ProcessMaps, SystemError, type FileMapping, type MappedFile, type FileSpan } from '@vpmem/native';
import { ChildWatch, startOf } from './child-watch.ts';
import { kernelSupport } from './kernel-support.ts';
import { Obstacle } from './obstacle.ts';
import type { PageSet } from './page-run.ts';
import { OwnProtection, type Protection } from './protection.ts';
import { RemoteProtection } from './remote-protection.ts';

/** What one entry of a page table's second level covers: the kernel takes tables away in these units. */
const TABLE = 2n ** 21n;

/** What became of setting up: nothing is mapped, it is mapped and cannot be tracked, or nobody knows (`untracked`), or there is no such process. */
export type SetUp = 'tracked' | 'unmapped' | 'untracked' | 'gone';

/** Which file is mapped, and which part of it is tracked. */
export interface TrackedFile extends FileSpan, MappedFile {
  readonly size: number;
}

interface Eyes {
  readonly maps: ProcessMaps;
  readonly pages: PageMap;
  readonly children: ChildWatch | undefined;
}

/** One process that maps the memory, or did, or may: what its page tables know of its stores. */
export class TrackedProcess {
  readonly pid: number;
  /** Connections that it has at present. */
  connections = 0;
  readonly #file: TrackedFile;
  readonly #started: string | undefined;
  readonly #protection: Protection;
  #eyes: Eyes | undefined;
  /** Every mapping of the file when it was last set up, and those of them that are protected. */
  #seen: readonly FileMapping[] = [];
  #protected: readonly FileMapping[] = [];
  #retryAt = 0;
  #obstacle: string | undefined;

  /** `descriptor`: by which another has protected its memory. */
  constructor(pid: number, file: TrackedFile, descriptor?: number) {
    this.pid = pid;
    this.#file = file;
    this.#started = startOf(pid);
    this.#protection = this.#isOwn ? new OwnProtection() : new RemoteProtection(pid, descriptor);
  }

  /** Why it cannot be tracked, or is not yet. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** By which its memory is protected, one of its own. */
  get descriptor(): number | undefined {
    return this.#protection.descriptor;
  }

  /** Whether there is still the process that came. */
  get alive(): boolean {
    return this.#started !== undefined && startOf(this.pid) === this.#started;
  }

  /**
   * Adds the pages that the process has written since they were last taken, and protects them again.
   *
   * @returns false if there may be more
   */
  take(into: PageSet): boolean {
    const eyes = this.#eyes;
    if (eyes === undefined || this.#protected.length === 0) return false;
    try {
      return this.#protected.every((mapping) => {
        const { start, end } = mapping;
        const add = (from: bigint, to: bigint): void => this.#add(into, mapping, from, to);
        if (!eyes.pages.takeMatching('written', start, end, add)) return false;
        // One page of a table that has come back between the two looks is still found by the others of its table.
        const whole = (from: bigint, to: bigint): void => add(from - (from % TABLE), to + ((TABLE - (to % TABLE)) % TABLE));
        return kernelSupport().reportsHoles || eyes.pages.takeMatching('missing', start, end, whole);
      });
    } catch (error) {
      if (errnoOf(error) !== undefined) return false;
      throw error;
    }
  }

  /** Whether everything that it could have stored through is what {@link take} looks at. To be asked after taking. */
  unchanged(): boolean {
    const eyes = this.#eyes;
    if (eyes === undefined || this.#protected.length === 0) return false;
    try {
      const now = this.#mappings(eyes);
      return now !== undefined && same(now, this.#seen) && this.#protected.every(({ start }) => eyes.pages.isTracked(start)) && (eyes.children?.quiet() ?? true);
    } catch (error) {
      if (errnoOf(error) !== undefined) return false;
      throw error;
    }
  }

  /** Protects whatever is mapped now. Whatever was stored before is to be found by comparing, after this. */
  setUp(): SetUp {
    this.#protected = [];
    if (!this.alive) return 'gone';
    try {
      // What was forbidden is not asked for again and again.
      const wait = performance.now() < this.#retryAt;
      if (wait && this.#eyes === undefined) return 'untracked';
      const eyes = (this.#eyes ??= this.#look());
      const mappings = this.#mappings(eyes);
      if (mappings === undefined || mappings.length === 0) return this.#unmapped(mappings === undefined);
      if (wait) return 'untracked';
      this.#seen = mappings;
      eyes.children?.quiet();
      this.#protected = this.#protect(eyes, mappings);
      this.#obstacle = undefined;
      return 'tracked';
    } catch (error) {
      this.#fail(error);
      return 'untracked';
    }
  }

  /** It came again: what was forbidden may be allowed. */
  tryAgain(): void {
    this.#retryAt = 0;
  }

  /** Another goes on with it, which stays as it is. */
  letGo(): void {
    if (this.#isOwn) this.#protection.close();
    this.#closeEyes();
  }

  /** Leaves the process alone, as it was before where that can be done. */
  close(): void {
    this.#protection.close();
    this.#closeEyes();
  }

  get #isOwn(): boolean {
    return this.pid === process.pid;
  }

  #look(): Eyes {
    const { pid } = this;
    const children = this.#isOwn ? undefined : new ChildWatch(pid, this.#file);
    let maps: ProcessMaps | undefined;
    try {
      maps = new ProcessMaps(pid);
      return { maps, pages: new PageMap(pid), children };
    } catch (error) {
      maps?.close();
      children?.close();
      throw error;
    }
  }

  /** Mappings of the part that is tracked. Of our own, those that can be written to: the others are there to read. */
  #mappings({ maps }: Eyes): FileMapping[] | undefined {
    const { offset, size } = this.#file;
    return maps
      .sharedMappings(this.#file)
      ?.filter((mapping) => (mapping.writable || !this.#isOwn) && mapping.offset < offset + size && mapping.offset + (mapping.end - mapping.start) > offset);
  }

  #protect({ pages }: Eyes, mappings: readonly FileMapping[]): FileMapping[] {
    const strange = mappings.filter(({ start }) => !pages.isTracked(start));
    const registered = strange.length === 0 ? [] : this.#protection.register(strange);
    const able = mappings.filter((mapping) => !strange.includes(mapping) || registered.includes(mapping));
    // One that was taken away meanwhile is seen to be by the next call.
    for (const { start, end } of able) pages.protect(start, end);
    return able;
  }

  #unmapped(executed: boolean): SetUp {
    // Its memory is another one now.
    if (executed) this.#closeEyes();
    this.#obstacle = `process ${this.pid} is not seen to map the memory`;
    return 'unmapped';
  }

  #fail(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const forbidden = code === 'EACCES' || code === 'EPERM';
    if (error instanceof Obstacle) this.#retryAt = performance.now() + error.passesIn;
    else if (forbidden) this.#retryAt = Infinity;
    else if (!(error instanceof SystemError) && code === undefined) throw error;
    this.#obstacle = forbidden ? `process ${this.pid} may not be looked at (${code}): same user, or CAP_SYS_PTRACE, is needed` : message;
  }

  #closeEyes(): void {
    this.#eyes?.maps.close();
    this.#eyes?.pages.close();
    this.#eyes?.children?.close();
    this.#eyes = undefined;
  }

  #add(into: PageSet, { start, end, offset }: FileMapping, from: bigint, to: bigint): void {
    const base = Number(offset) - this.#file.offset;
    const at = (address: bigint): number => base + Number((address < start ? start : address > end ? end : address) - start);
    into.add(at(from), at(to));
  }
}

function same(a: readonly FileMapping[], b: readonly FileMapping[]): boolean {
  return a.length === b.length && a.every((one, i) => one.start === b[i]?.start && one.end === b[i].end && one.offset === b[i].offset && one.writable === b[i].writable);
}
