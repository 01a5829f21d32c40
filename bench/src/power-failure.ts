// What a simulated medium costs: flushes with it beside plain ones, by each tracker, recorded or not; and images of a running guest.
import { rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { closeBackend, fileSyncer, MemoryBackend, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { Mapping } from '@vpmem/native';
import { SimulatedMedium, type PowerCutOptions } from '@vpmem/simulated-medium';
import { median, short } from './statistics.ts';

const MIB = 2 ** 20;
const PAGE = 4096;
const ROUNDS = 25;
/** Milliseconds after which a measurement that takes long has enough rounds, and how many those are at least. */
const ENOUGH = { time: 4000, rounds: 5 };

/** A file to flush, of which `stored` bytes from the beginning on hold data. */
interface Kind {
  readonly name: string;
  readonly size: number;
  readonly stored: number;
  /** Pages that a guest stores to between two flushes, spread over what was stored before. */
  readonly dirty: readonly number[];
}

const KINDS: readonly Kind[] = [
  { name: '256 MiB, sparse, 8 MiB stored', size: 256 * MIB, stored: 8 * MIB, dirty: [1, 64] },
  { name: '256 MiB, full', size: 256 * MIB, stored: 256 * MIB, dirty: [1, 64, 256] },
  { name: '4 GiB, full', size: 4096 * MIB, stored: 4096 * MIB, dirty: [1, 64] },
];
const TRACKERS = ['uffd', 'compare'] as const;

/** Milliseconds of a flush, and of plain ones of as many pages in turns with it. */
interface FlushTimes {
  /** Of a plain device: pages were stored to through a mapping. Linux then writes more than those. */
  readonly mapped: number;
  /** Of pages that were written by write(2), which is what a medium does with them. */
  readonly plain: number;
  readonly simulated: number;
  /** Of a simulated one than of a written one, in the same round. */
  readonly more: number;
  /** How far apart the quarters of the difference are. */
  readonly spread: number;
}

export interface PowerFailureResult {
  readonly kind: string;
  readonly tracker: string;
  readonly dirty: number;
  readonly alone: FlushTimes;
  readonly recorded: FlushTimes;
}

export interface PowerFailureCosts {
  readonly flushes: readonly PowerFailureResult[];
  /** For each kind: milliseconds until a recording has begun, until the first flush after that is answered, and until it has its first mark. */
  readonly beginnings: readonly { readonly kind: string; readonly begun: number; readonly flushed: number; readonly marked: number }[];
  /** Per second, of a guest that goes on, at 256 MiB that are full. */
  readonly images: number;
}

const image: Omit<PowerCutOptions, 'image'> = { survivors: 'random', granularity: 'page', seed: 1 };
const observer = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };

/** Memory that a guest stores to by its mapping, and that is flushed. */
class Disk {
  readonly medium: SimulatedMedium | undefined;
  readonly stored: number;
  readonly #backend: BackendDescription;
  readonly #memory: MemoryBackend;
  readonly #mapping: Mapping;
  #count = 0;

  private constructor(backend: BackendDescription, stored: number) {
    this.#backend = backend;
    this.stored = stored;
    this.medium = backend.medium === undefined ? undefined : new SimulatedMedium(backend, observer);
    this.medium?.client('came', process.pid);
    this.#memory = new MemoryBackend(backend, this.medium ?? fileSyncer(backend.fd));
    this.#mapping = Mapping.ofFile(backend.fd, { length: backend.size, offset: backend.offset });
  }

  static async open(memPath: string, { size, stored }: Pick<Kind, 'size' | 'stored'>, pageTracker?: (typeof TRACKERS)[number]): Promise<Disk> {
    const powerFailure = pageTracker !== undefined;
    return new Disk(await openBackend({ type: 'memory-backend-file', id: 'bench', memPath, size, share: true, powerFailure, ...(powerFailure && { pageTracker }) }), stored);
  }

  /** With what cannot be compressed. */
  fill(): void {
    const noise = Uint32Array.from({ length: MIB / 4 }, () => Math.random() * 2 ** 32);
    for (let at = 0; at < this.stored; at += MIB) new Uint32Array(this.#mapping.window(at, MIB)).set(noise);
  }

  /** Stores to `pages` pages, no two next to each other if there is room. */
  touch(pages: number): void {
    this.#count++;
    const step = Math.floor(this.stored / PAGE / pages);
    for (let i = 0; i < pages; i++) new Uint8Array(this.#mapping.window(i * step * PAGE, 8)).fill(this.#count & 0xff);
  }

  /** The same by write(2), past the mapping. */
  write(pages: number): void {
    this.#count++;
    const step = Math.floor(this.stored / PAGE / pages);
    for (let i = 0; i < pages; i++) writeSync(this.#backend.fd, Buffer.alloc(PAGE, this.#count & 0xff), 0, PAGE, i * step * PAGE);
  }

  flush(): Promise<void> {
    const { flushes } = this.#memory;
    return new Promise((resolve, reject) => {
      flushes.request((durable) => (durable ? resolve() : reject(new Error('a flush failed'))));
      flushes.start();
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => (this.medium === undefined ? resolve() : this.medium.close(resolve)));
    this.#mapping.unmap();
    closeBackend(this.#backend);
  }
}

/** Milliseconds. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** All in turns, so that what else the machine does hits all. */
async function flushTimes(disk: Disk, plain: Disk, dirty: number): Promise<FlushTimes> {
  const times: { readonly mapped: number; readonly plain: number; readonly simulated: number }[] = [];
  const began = performance.now();
  for (let round = -2; round < ROUNDS && (round < ENOUGH.rounds || performance.now() - began < ENOUGH.time); round++) {
    const written = await time(() => {
      plain.write(dirty);
      return plain.flush();
    });
    disk.touch(dirty);
    const simulated = await time(() => disk.flush());
    // Linux writes more than was stored then, and the disk may be at it still when the next has its turn: so it comes last, and is waited for.
    plain.touch(dirty);
    const mapped = await time(() => plain.flush());
    plain.write(1);
    await plain.flush();
    if (round >= 0) times.push({ mapped, plain: written, simulated });
  }
  const more = times.map((each) => each.simulated - each.plain).sort((a, b) => a - b);
  const quarter = (part: number): number => more[Math.floor(more.length * part)] ?? NaN;
  return { mapped: median(times.map((each) => each.mapped)), plain: median(times.map((each) => each.plain)), more: median(more), simulated: median(times.map((each) => each.simulated)), spread: quarter(0.75) - quarter(0.25) };
}

function outcome<T>(work: (done: (result: T | Error | undefined) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => work((result) => (result instanceof Error ? reject(result) : resolve(result as T))));
}

async function imagesPerSecond(medium: SimulatedMedium, folder: string): Promise<number> {
  const times: number[] = [];
  const path = join(folder, 'image.img');
  for (let round = 0; round < 15; round++) {
    times.push(await time(() => outcome((done) => medium.cut({ ...image, image: path }, done))));
    rmSync(path);
  }
  return 1000 / median(times);
}

/** Measures in `folder`. */
export async function measurePowerFailure(folder: string): Promise<PowerFailureCosts> {
  const flushes: PowerFailureResult[] = [];
  const beginnings: PowerFailureCosts['beginnings'][number][] = [];
  let images = NaN;
  // How long it takes to make some pages of a file durable does not depend on its size.
  const plain = await Disk.open(join(folder, 'plain.img'), { size: 256 * MIB, stored: 256 * MIB });
  plain.fill();
  for (const kind of KINDS) {
    const path = join(folder, 'disk.img');
    for (const tracker of TRACKERS) {
      const disk = await Disk.open(path, kind, tracker);
      const { medium } = disk;
      if (medium === undefined) throw new Error('it has no medium');
      if (tracker === 'uffd') disk.fill();
      await disk.flush();
      const alone = new Map<number, FlushTimes>();
      for (const dirty of kind.dirty) alone.set(dirty, await flushTimes(disk, plain, dirty));
      if (medium.status?.tracker.kind !== tracker) throw new Error(`the tracker is not ${tracker}: ${medium.status?.tracker.reason ?? ''}`);
      if (tracker === 'uffd' && kind.name === '256 MiB, full') images = await imagesPerSecond(medium, folder);
      const target = { path: join(folder, 'run.vpmrec') };
      const began = performance.now();
      const since = (): number => performance.now() - began;
      await outcome((done) => medium.beginRecording({ target, interval: undefined }, done));
      const begun = since();
      disk.touch(1);
      await disk.flush();
      const flushed = since();
      await outcome((done) => medium.mark('begun', done));
      if (tracker === 'uffd') beginnings.push({ kind: kind.name, begun, flushed, marked: since() });
      for (const [dirty, times] of alone) flushes.push({ kind: kind.name, tracker, dirty, alone: times, recorded: await flushTimes(disk, plain, dirty) });
      await outcome((done) => medium.endRecording(done));
      await disk.close();
      rmSync(target.path);
    }
    rmSync(path);
  }
  await plain.close();
  rmSync(join(folder, 'plain.img'));
  return { flushes, beginnings, images };
}

/** Tables in Markdown. */
export function powerFailureTable({ flushes, beginnings, images }: PowerFailureCosts): string {
  const more = (times: FlushTimes): string => `${short(times.more)} ±${short(times.spread / 2)}`;
  return [
    '| file | tracker | pages stored to | plain device, ms | write + fdatasync, ms | more with power-failure=on, ms | more with record=, ms |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...flushes.map(({ kind, tracker, dirty, alone, recorded }) => `| ${kind} | ${tracker} | ${dirty} | ${short(alone.mapped)} | ${short(alone.plain)} | ${more(alone)} | ${more(recorded)} |`),
    '',
    '| file | a recording has begun after, ms | its first flush is answered after, ms | its first mark is in after, ms |',
    '| --- | ---: | ---: | ---: |',
    ...beginnings.map(({ kind, begun, flushed, marked }) => `| ${kind} | ${short(begun)} | ${short(flushed)} | ${short(marked)} |`),
    '',
    `Images of 256 MiB, full, while the guest runs: ${short(images)} per second`,
  ].join('\n');
}
