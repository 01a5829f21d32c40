import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DurabilityOracle, TRACKERS, withTracker, type TrackerChoice } from '@vpmem/simulated-medium/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PowerCutRequest } from '../src/failure-control.ts';
import { bytesOf } from './bytes-of.ts';
import { numbers, pick } from './numbers.ts';
import type { MakeSetting, PowerSetting } from './power-setting.ts';
import { RecordLog } from './record-log.ts';

/** Bytes at the beginning of the disk that the oracle looks at. */
const DISK = 64 * 1024;

/** What became of a log that a power cut hit. */
interface Outcome {
  readonly acknowledged: number;
  readonly recovered: number;
}

/** Writes a log, cuts the power at a random place in a random way, and sees what is left. */
async function cutOnce(setting: PowerSetting, epoch: number, options: { readonly fsync: boolean }): Promise<Outcome> {
  const next = numbers(epoch);
  const request: PowerCutRequest = {
    survivors: pick(['none', 'random', 'random', 'all'], next),
    granularity: pick(['page', 'sector', 'line', 'word'], next),
    seed: epoch,
  };
  const log = new RecordLog(setting, epoch, options);
  const records = 1 + next(5);
  const planned = options.fsync && next(3) > 0;
  if (planned) await setting.failures.powerCut('nv1', { ...request, atFlush: 1 + next(records), phase: pick(['before', 'during', 'after-durable'], next) });
  const gone = new Promise<'cut'>((resolve) => setting.onceCut(() => resolve('cut')));
  for (let i = 0; i < records; i++) {
    const appended = log.append(Buffer.alloc(1 + next(9000), epoch)).then(
      () => 'appended' as const,
      (error: unknown) => {
        if (planned) return 'cut' as const;
        throw error;
      },
    );
    if ((await Promise.race([appended, gone])) === 'cut') break;
  }
  if (planned) await gone;
  else await setting.failures.powerCut('nv1', request);
  const { acknowledged } = log;
  await setting.startAgain();
  return { acknowledged, recovered: RecordLog.recover(await setting.load(0, 64 * 1024), epoch) };
}

/** For every machine: a log on its disk, in as many power cuts as there is time for, and an oracle. Half of the rounds are for each page tracker. */
export function powerRecordSuite(who: string, make: MakeSetting, rounds: number): void {
  for (const tracker of TRACKERS) diskCases(who, make, rounds / TRACKERS.length, tracker);
}

function diskCases(who: string, make: MakeSetting, rounds: number, tracker: TrackerChoice): void {
  describe.skipIf(tracker.obstacle !== undefined)(`the disk of ${who}${withTracker(tracker)}`, () => {
    let setting: PowerSetting;
    beforeEach(async () => {
      setting = await make(tracker.kind);
    });
    afterEach(async () => {
      await setting.close();
      rmSync(setting.folder, { recursive: true });
    });

    it(`holds a log with fsync, of which nothing acknowledged is lost, in ${rounds} power cuts`, { timeout: 300_000 }, async () => {
      let beyond = 0;
      let short = 0;
      for (let epoch = 1; epoch <= rounds; epoch++) {
        const { acknowledged, recovered } = await cutOnce(setting, epoch, { fsync: true });
        expect(recovered, `round ${epoch}`).toBeGreaterThanOrEqual(acknowledged);
        if (recovered > acknowledged) beyond++;
        else short++;
      }
      // Both kinds of luck have been had: durable and not yet acknowledged, and not durable.
      expect([beyond > rounds / 20, short > rounds / 20]).toEqual([true, true]);
    });

    it('holds what an oracle says it must, with many flushes in flight', { timeout: 120_000 }, async () => {
      const next = numbers(4711);
      const file = join(setting.folder, 'disk.img');
      const oracle = new DurabilityOracle(new Uint8Array(DISK));
      const disk = (path = file): Buffer => bytesOf(path, 0, DISK);
      const store = async (): Promise<void> => {
        const bytes = Buffer.alloc(1 + next(6000), next(256));
        const at = next(DISK - bytes.length);
        oracle.store(at, bytes);
        await setting.store(at, bytes);
      };
      const fsync = async (): Promise<void> => {
        const asked = oracle.asked();
        await setting.fsync();
        oracle.answered(asked);
        oracle.check(disk());
      };
      for (let step = 0; step < 200; step++) {
        const kind = next(20);
        const survival = { survivors: pick(['none', 'all', 'random'], next), granularity: pick(['page', 'sector', 'line', 'word'], next), seed: step } as const;
        if (kind < 8) await store();
        else if (kind < 12) await fsync();
        else if (kind < 17) {
          // Several in flight: some share a sync, and none may share one that began before it was asked.
          const flushes: Promise<void>[] = [];
          for (let i = 0; i < 4; i++) {
            flushes.push(fsync());
            await store();
            if (next(2) === 0) await new Promise(setImmediate);
          }
          await Promise.all(flushes);
        } else if (kind < 19) {
          const image = join(setting.folder, `${step}.img`);
          await setting.failures.powerCut('nv1', { ...survival, image });
          oracle.check(disk(image));
          rmSync(image);
        } else {
          await setting.failures.powerCut('nv1', survival);
          oracle.cut(disk());
          await setting.startAgain();
          expect((await setting.load(0, DISK)).equals(disk())).toBe(true);
        }
        oracle.check(disk());
      }
    });

    it('holds a log without fsync, of which acknowledged records are lost', { timeout: 60_000 }, async () => {
      let lost = 0;
      for (let epoch = 1; epoch <= 20; epoch++) {
        const { acknowledged, recovered } = await cutOnce(setting, epoch, { fsync: false });
        if (recovered < acknowledged) lost++;
      }
      expect(lost).toBeGreaterThan(5);
    });
  });
}
