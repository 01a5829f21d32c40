import { isInMemory, mappedFile } from '@vpmem/native';
import { Comparison } from './comparison.ts';
import { kernelSupport } from './kernel-support.ts';
import { PageSet, type PageRun } from './page-run.ts';
import type { PageTracker, TrackedMemory, TrackerKind } from './page-tracker.ts';
import { TrackedProcess, type TrackedFile } from './tracked-process.ts';

const NOBODY = 'nobody has connected, so nobody can be asked';
const UNKNOWN = 'it is not known which process has, or had, a connection';

/**
 * Asks the page tables of every process that maps the memory. Where one of them has changed what it maps, or cannot be asked, all is
 * set up anew, and then compared.
 */
export class UffdTracker implements PageTracker {
  readonly #tracked: TrackedMemory;
  readonly #comparison: Comparison;
  readonly #noted: PageSet;
  readonly #processes = new Map<number, TrackedProcess>();
  #file: TrackedFile;
  #unknown = false;
  /** Of those connections, how many there are. */
  #unknownNow = 0;
  /** Something may have been written that page tables do not tell. */
  #behind = true;

  constructor(tracked: TrackedMemory) {
    this.#tracked = tracked;
    this.#file = fileOf(tracked);
    this.#comparison = new Comparison(tracked);
    this.#noted = new PageSet(tracked.size);
  }

  /** Why there cannot be one here, for whichever client. @throws SystemError where the memory cannot be looked at */
  static obstacle({ memory }: TrackedMemory): string | undefined {
    if (process.arch !== 'x64') return `a processor of the kind x64 is needed, not ${process.arch}`;
    if (!isInMemory(memory.fd)) return 'memory in ordinary pages is needed: a memfd or a file on tmpfs';
    return kernelSupport().obstacle;
  }

  get kind(): TrackerKind {
    return this.reason === undefined ? 'uffd' : 'compare';
  }

  get reason(): string | undefined {
    if (this.#unknown) return UNKNOWN;
    if (this.#processes.size === 0) return NOBODY;
    for (const { obstacle } of this.#processes.values()) if (obstacle !== undefined) return obstacle;
    return undefined;
  }

  written(): PageRun[] {
    // Where nobody has connected, others may have the memory all the same: its descriptor can be opened by its name.
    const complete = !this.#behind && !this.#unknown && this.#processes.size > 0;
    // Until there is an answer, which there is not after an exception.
    this.#behind = true;
    const processes = [...this.#processes.values()];
    const pages = new PageSet(this.#tracked.size);
    // Every one, also if there is a comparison to come: each protects its pages before anything is read.
    const taken = processes.filter((process) => process.take(pages)).length === processes.length;
    const unchanged = taken && processes.every((process) => process.unchanged());
    if (complete && unchanged) {
      pages.addAll(this.#noted.runs());
      const answer = pages.runs();
      this.#comparison.answered(answer);
      this.#noted.clear();
      this.#behind = false;
      return answer;
    }
    for (const process of processes) this.#setUp(process);
    const answer = this.#comparison.written(this.#noted.runs());
    this.#noted.clear();
    this.#behind = false;
    return answer;
  }

  settled(): void {
    this.#comparison.settled();
  }

  note(start: number, length: number): void {
    this.#noted.add(start, start + length);
  }

  clientCame(pid: number | undefined, descriptor?: number): void {
    this.#behind = true;
    if (pid === undefined || pid === 0) {
      this.#unknown = true;
      this.#unknownNow++;
      return;
    }
    let process = this.#processes.get(pid);
    if (process !== undefined && !process.alive) {
      process.close();
      process = undefined;
    }
    process ??= new TrackedProcess(pid, this.#file, descriptor);
    process.connections++;
    process.tryAgain();
    this.#processes.set(pid, process);
  }

  clientLeft(pid: number | undefined): void {
    this.#behind = true;
    if (pid === undefined || pid === 0) {
      // Nobody sees whether it has a mapping yet: it is taken to have until the memory is another one.
      this.#unknownNow = Math.max(0, this.#unknownNow - 1);
      return;
    }
    const process = this.#processes.get(pid);
    if (process !== undefined && process.connections > 0) process.connections--;
  }

  distrust(): void {
    this.#behind = true;
  }

  get descriptors(): ReadonlyMap<number, number> {
    const found = new Map<number, number>();
    for (const { pid, descriptor } of this.#processes.values()) if (descriptor !== undefined) found.set(pid, descriptor);
    return found;
  }

  letGo(): void {
    for (const process of this.#processes.values()) process.letGo();
    this.#processes.clear();
    this.#comparison.close();
  }

  reset(): void {
    this.#behind = true;
    this.#unknown = this.#unknownNow > 0;
    this.#file = fileOf(this.#tracked);
    this.#comparison.reset();
    for (const [pid, process] of this.#processes) {
      process.close();
      const fresh = new TrackedProcess(pid, this.#file);
      fresh.connections = process.connections;
      if (fresh.connections > 0) this.#processes.set(pid, fresh);
      else this.#processes.delete(pid);
    }
  }

  close(): void {
    for (const process of this.#processes.values()) process.close();
    this.#processes.clear();
    this.#comparison.close();
  }

  /** One that is gone, or has neither a connection nor a mapping, is forgotten: it can write no more. */
  #setUp(process: TrackedProcess): void {
    const outcome = process.setUp();
    if (outcome === 'tracked' || outcome === 'untracked' || (outcome === 'unmapped' && process.connections > 0)) return;
    process.close();
    this.#processes.delete(process.pid);
  }
}

function fileOf({ memory, size }: TrackedMemory): TrackedFile {
  return { ...memory, ...mappedFile(memory.fd), size };
}
