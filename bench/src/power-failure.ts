// What a simulated medium costs: flushes with it beside flushes without, and images of a running guest.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { closeBackend, fileSyncer, MemoryBackend, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { Mapping } from '@vpmem/native';
import { SimulatedMedium, type PowerCutOptions } from '@vpmem/simulated-medium';
import { median, short } from './statistics.ts';

const MIB = 2 ** 20;
const PAGE = 4096;
const ROUNDS = 15;

/** A file to flush, of which `stored` bytes from the beginning on are not zero. */
interface Kind {
  readonly name: string;
  readonly size: number;
  readonly stored: number;
}

const KINDS: readonly Kind[] = [
  { name: '256 MiB, sparse, 8 MiB stored', size: 256 * MIB, stored: 8 * MIB },
  { name: '256 MiB, full', size: 256 * MIB, stored: 256 * MIB },
  { name: '4 GiB, sparse, 64 MiB stored', size: 4096 * MIB, stored: 64 * MIB },
];

/** Pages that a guest stores to between two flushes, spread over what was stored before. */
const DIRTY = [0, 1, 256];

export interface PowerFailureResult {
  readonly kind: string;
  readonly dirty: number;
  /** Milliseconds of a flush. */
  readonly plain: number;
  readonly simulated: number;
  /** Per second, of a guest that goes on. */
  readonly images: number;
}

const plain: Omit<PowerCutOptions, 'image'> = { survivors: 'random', granularity: 'page', seed: 1 };

async function withBackend<T>(folder: string, { size }: Kind, powerFailure: boolean, use: (backend: BackendDescription, stores: Stores) => Promise<T>): Promise<T> {
  const memPath = join(folder, `${powerFailure}.img`);
  const backend = await openBackend({ type: 'memory-backend-file', id: 'bench', memPath, size, share: true, powerFailure });
  const stores = new Stores(backend);
  try {
    return await use(backend, stores);
  } finally {
    stores.close();
    closeBackend(backend);
    rmSync(memPath);
  }
}

/** A guest's stores: into its mapping. */
class Stores {
  readonly #mapping: Mapping;
  #count = 0;

  constructor({ fd, size, offset }: BackendDescription) {
    this.#mapping = Mapping.ofFile(fd, { length: size, offset });
  }

  fill(length: number): void {
    for (let at = 0; at < length; at += 64 * MIB) new Uint8Array(this.#mapping.window(at, Math.min(64 * MIB, length - at))).fill(1);
  }

  /** Stores to `pages` pages, no two next to each other if there is room. */
  touch(pages: number, within: number): void {
    this.#count++;
    const step = Math.floor(within / PAGE / Math.max(pages, 1));
    for (let i = 0; i < pages; i++) new Uint8Array(this.#mapping.window(i * step * PAGE, 8)).fill(this.#count & 0xff);
  }

  close(): void {
    this.#mapping.unmap();
  }
}

/** The median time of a flush, in milliseconds. */
async function flushTime({ flushes }: MemoryBackend, store: () => void): Promise<number> {
  const times: number[] = [];
  for (let round = -3; round < ROUNDS; round++) {
    store();
    const began = performance.now();
    await new Promise<void>((resolve, reject) => {
      flushes.request((durable) => (durable ? resolve() : reject(new Error('a flush failed'))));
      flushes.start();
    });
    if (round >= 0) times.push(performance.now() - began);
  }
  return median(times);
}

async function imagesPerSecond(medium: SimulatedMedium, folder: string): Promise<number> {
  const times: number[] = [];
  const image = join(folder, 'image.img');
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    const outcome = await new Promise((resolve) => medium.cut({ ...plain, image }, resolve));
    if (outcome instanceof Error) throw outcome;
    times.push(performance.now() - began);
    rmSync(image);
  }
  return 1000 / median(times);
}

/** Measures in `folder`. */
export async function measurePowerFailure(folder: string): Promise<PowerFailureResult[]> {
  const results: PowerFailureResult[] = [];
  for (const kind of KINDS) {
    const direct = await withBackend(folder, kind, false, async (backend, stores) => {
      stores.fill(kind.stored);
      const memory = new MemoryBackend(backend, fileSyncer(backend.fd));
      const times: number[] = [];
      for (const dirty of DIRTY) times.push(await flushTime(memory, () => stores.touch(dirty, kind.stored)));
      return times;
    });
    await withBackend(folder, kind, true, async (backend, stores) => {
      stores.fill(kind.stored);
      const medium = new SimulatedMedium(backend, { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined });
      const memory = new MemoryBackend(backend, medium);
      for (const [i, dirty] of DIRTY.entries()) {
        const simulated = await flushTime(memory, () => stores.touch(dirty, kind.stored));
        stores.touch(dirty, kind.stored);
        results.push({ kind: kind.name, dirty, plain: direct[i] ?? NaN, simulated, images: await imagesPerSecond(medium, folder) });
      }
      await new Promise<void>((resolve) => medium.close(resolve));
    });
  }
  return results;
}

/** A table in Markdown. */
export function powerFailureTable(results: readonly PowerFailureResult[]): string {
  const rows = results.map(({ kind, dirty, plain: direct, simulated, images }) => `| ${kind} | ${dirty} | ${short(direct)} | ${short(simulated)} | ${(simulated / direct).toFixed(1)} | ${short(images)} |`);
  return ['| file | pages stored to | flush without, ms | flush with, ms | ratio | images per second |', '| --- | ---: | ---: | ---: | ---: | ---: |', ...rows].join('\n');
}
