import { mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PowerCutOptions, PowerCutReport } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { GRANULARITY_BYTES, MAX_SEED } from './survival.ts';
import { DurabilityOracle, DurabilityViolation } from './testing.ts';

const PAGE = 4096;
const SIZE = 8 * PAGE;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-durability-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Step =
  | { readonly type: 'store'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly type: 'flush' }
  /** A flush, and stores while it is carried out. */
  | { readonly type: 'flush-and-store'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly type: 'cut'; readonly options: PowerCutOptions }
  | { readonly type: 'image'; readonly options: PowerCutOptions }
  | { readonly type: 'planned'; readonly phase: 'before' | 'during' | 'after-durable'; readonly options: PowerCutOptions };

const place = { at: fc.integer({ min: 0, max: SIZE - 6000 }), bytes: fc.uint8Array({ minLength: 1, maxLength: 6000 }) };
const options: fc.Arbitrary<PowerCutOptions> = fc.record({
  survivors: fc.constantFrom<PowerCutOptions['survivors'][]>('none', 'all', 'random'),
  granularity: fc.constantFrom(...(Object.keys(GRANULARITY_BYTES) as (keyof typeof GRANULARITY_BYTES)[])),
  seed: fc.integer({ min: 0, max: MAX_SEED }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('store'), ...place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('flush') }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('flush-and-store'), ...place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('cut', 'image'), options }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('planned'), phase: fc.constantFrom('before', 'during', 'after-durable'), options }) },
);

let runs = 0;

/** Carries out steps on a disk of its own and has the oracle look at it after each. @throws DurabilityViolation */
async function carryOut(steps: readonly Step[], sabotage: (medium: Syncer, backend: BackendDescription) => Syncer | Promise<Syncer> = (medium) => medium): Promise<void> {
  const path = join(folder, `${runs++}.img`);
  const backend = await openBackend({ type: 'memory-backend-file', id: 'm', memPath: path, size: SIZE, share: true, powerFailure: true });
  const medium = new SimulatedMedium(backend, { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined });
  const syncer = await sabotage(medium, backend);
  const oracle = new DurabilityOracle(new Uint8Array(SIZE));
  const store = ({ at, bytes }: { at: number; bytes: Uint8Array }): void => {
    oracle.store(at, bytes);
    writeSync(backend.fd, bytes, 0, bytes.length, at);
  };
  const flush = async (meanwhile: () => void = () => undefined): Promise<boolean> => {
    const asked = oracle.asked();
    const answer = new Promise<Error | undefined>((resolve) => syncer.start(resolve));
    meanwhile();
    if ((await answer) !== undefined) return false;
    oracle.answered(asked);
    return true;
  };
  const cut = (cutOptions: PowerCutOptions): Promise<PowerCutReport | Error> => new Promise((resolve) => medium.cut(cutOptions, resolve));
  try {
    for (const each of steps) {
      if (each.type === 'store') store(each);
      else if (each.type === 'flush') await flush();
      else if (each.type === 'flush-and-store') await flush(() => store(each));
      else if (each.type === 'image') {
        const image = join(folder, `${runs++}.img`);
        expect(await cut({ ...each.options, image })).toMatchObject({ image });
        oracle.check(readFileSync(image));
        rmSync(image);
      } else {
        if (each.type === 'cut') expect(await cut(each.options)).toMatchObject({ seed: each.options.seed });
        else {
          medium.plan({ atFlush: 1, phase: each.phase, options: each.options });
          expect(await flush()).toBe(false);
          // After the answer that nobody hears comes the memory that everybody sees.
          await new Promise((resolve) => medium.measure(resolve));
        }
        const disk = readFileSync(path);
        oracle.cut(disk);
        const memory = Buffer.alloc(SIZE);
        readSync(backend.fd, memory, 0, SIZE, 0);
        expect(memory.equals(disk)).toBe(true);
      }
      oracle.check(readFileSync(path));
    }
  } finally {
    await new Promise<void>((resolve) => medium.close(resolve));
    closeBackend(backend);
    rmSync(path);
  }
}

it('every byte stored before a flush was asked for, and not stored anew since, is on the disk after it', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), (steps) => carryOut(steps)), { numRuns: 25 });
});

describe('a flush that is sabotaged is found out', () => {
  const bytes = new Uint8Array(3 * PAGE).fill(7);
  const steps: Step[] = [{ type: 'store', at: PAGE, bytes }, { type: 'flush' }, { type: 'cut', options: { survivors: 'none', granularity: 'page', seed: 0 } }];

  it('when it skips a page', async () => {
    const skipping = (medium: Syncer, { medium: file }: BackendDescription): Syncer => ({
      begun: true,
      start: (done) => {
        const page = Buffer.alloc(PAGE);
        readSync(file?.fd ?? -1, page, 0, PAGE, 2 * PAGE);
        medium.start((error) => {
          writeSync(file?.fd ?? -1, page, 0, PAGE, 2 * PAGE);
          done(error);
        });
      },
    });
    await expect(carryOut(steps, skipping)).rejects.toMatchObject({ name: 'DurabilityViolation', at: 2 * PAGE });
  });

  it('when it answers before the durable point', async () => {
    const hasty = (medium: Syncer): Syncer => ({
      begun: true,
      start: (done) =>
        setImmediate(() => {
          done(undefined);
          setImmediate(() => medium.start(() => undefined));
        }),
    });
    await expect(carryOut(steps, hasty)).rejects.toThrow(DurabilityViolation);
  });

  it('when it compares too early', async () => {
    const early = async (medium: Syncer): Promise<Syncer> => {
      const error = await new Promise<Error | undefined>((resolve) => medium.start(resolve));
      return { begun: true, start: (done) => setImmediate(() => done(error)) };
    };
    await expect(carryOut(steps, early)).rejects.toThrow(DurabilityViolation);
  });
});
