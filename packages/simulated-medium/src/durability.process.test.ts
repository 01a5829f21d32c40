import { mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import { Mapping } from '@vpmem/native';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PowerCutOptions, PowerCutReport } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { GRANULARITY_BYTES, MAX_SEED } from './survival.ts';
import { DurabilityOracle, DurabilityViolation, TRACKERS, withTracker, type TrackerChoice } from './testing.ts';

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

type Sabotage = (medium: Syncer, backend: BackendDescription) => Syncer | Promise<Syncer>;

/** Carries out steps of a client that maps its disk, and has the oracle look at that after each. @throws DurabilityViolation */
async function carryOut(steps: readonly Step[], tracker: TrackerChoice['kind'], sabotage: Sabotage = (medium) => medium): Promise<void> {
  const path = join(folder, `${runs++}.img`);
  const backend = await openBackend({ type: 'memory-backend-file', id: 'm', memPath: path, size: SIZE, share: true, powerFailure: true, pageTracker: tracker });
  const medium = new SimulatedMedium(backend, { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined });
  const syncer = await sabotage(medium, backend);
  const oracle = new DurabilityOracle(new Uint8Array(SIZE));
  let mapping = Mapping.ofFile(backend.fd, { length: SIZE });
  medium.client('came', process.pid);
  const store = ({ at, bytes }: { at: number; bytes: Uint8Array }): void => {
    oracle.store(at, bytes);
    new Uint8Array(mapping.window(at, bytes.length)).set(bytes);
  };
  const startAgain = (): void => {
    mapping.unmap();
    medium.client('left', process.pid);
    medium.client('came', process.pid);
    mapping = Mapping.ofFile(backend.fd, { length: SIZE });
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
        startAgain();
      }
      oracle.check(readFileSync(path));
    }
    await flush();
    expect(medium.status?.tracker).toEqual({ kind: tracker, reason: undefined });
  } finally {
    await new Promise<void>((resolve) => medium.close(resolve));
    mapping.unmap();
    closeBackend(backend);
    rmSync(path);
  }
}

describe.each(TRACKERS)('every byte stored before a flush was asked for, and not stored anew since', (tracker) => {
  it.skipIf(tracker.obstacle !== undefined)(`is on the disk after it${withTracker(tracker)}`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), (steps) => carryOut(steps, tracker.kind)), { numRuns: 15 });
  });
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
    await expect(carryOut(steps, 'compare', skipping)).rejects.toMatchObject({ name: 'DurabilityViolation', at: 2 * PAGE });
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
    await expect(carryOut(steps, 'compare', hasty)).rejects.toThrow(DurabilityViolation);
  });

  it('when it compares too early', async () => {
    const early = async (medium: Syncer): Promise<Syncer> => {
      const error = await new Promise<Error | undefined>((resolve) => medium.start(resolve));
      return { begun: true, start: (done) => setImmediate(() => done(error)) };
    };
    await expect(carryOut(steps, 'compare', early)).rejects.toThrow(DurabilityViolation);
  });
});
