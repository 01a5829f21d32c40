import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TRACKERS, withTracker, type TrackerChoice } from '@vpmem/simulated-medium/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from './bytes-of.ts';
import type { MakeSetting, PowerSetting } from './power-setting.ts';

/** Whatever a guest is, it loses the same: for every machine, with a name for whose disk it is, and on every page tracker. */
export function powerFailureSuite(who: string, make: MakeSetting): void {
  for (const tracker of TRACKERS) {
    cutCases(who, make, tracker);
    refusals(who, make, tracker);
  }
  flushCases(who, make);
}

function cutCases(who: string, make: MakeSetting, tracker: TrackerChoice): void {
  describe.skipIf(tracker.obstacle !== undefined)(`a power cut of ${who}${withTracker(tracker)}`, () => {
    let setting: PowerSetting;
    const fileText = (offset: number, length: number, name = 'disk.img'): string => bytesOf(join(setting.folder, name), offset, length).toString();
    const loadText = async (offset: number, length: number): Promise<string> => (await setting.load(offset, length)).toString();
    const cuts = (): unknown[] => setting.events.flatMap(({ name, data }) => (name === 'PMEM_POWER_CUT' ? [data] : []));
    beforeEach(async () => {
      setting = await make(tracker.kind);
    });
    afterEach(async () => {
      await setting.close();
      rmSync(setting.folder, { recursive: true, force: true });
    });

    it('loses what was not flushed, and what comes next finds the rest', async () => {
      await setting.store(0, 'flushed');
      await setting.fsync();
      await setting.store(4096, 'not flushed');
      expect(fileText(4096, 3)).toBe('\0\0\0');
      const report = await setting.failures.powerCut('nv1', { seed: 5 });
      expect(report).toEqual({ flush: undefined, lostBytes: 11, survivedBytes: 0, seed: 5, image: undefined });
      expect(cuts()).toEqual([{ device: 'nv1', path: '/machine/peripheral/nv1', 'lost-bytes': 11, 'survived-bytes': 0, seed: 5 }]);
      expect([fileText(0, 7), fileText(4096, 11)]).toEqual(['flushed', '\0'.repeat(11)]);
      await setting.startAgain();
      expect([await loadText(0, 7), await loadText(4096, 11)]).toEqual(['flushed', '\0'.repeat(11)]);
      await setting.store(4096, 'once more');
      await setting.fsync();
      expect(fileText(4096, 9)).toBe('once more');
    });

    it('can be planned for a flush, which is then never answered', async () => {
      expect(await setting.failures.powerCut('/machine/peripheral/nv1', { atFlush: 2, phase: 'after-durable', seed: 1 })).toBeUndefined();
      await setting.store(0, 'one');
      await setting.fsync();
      await setting.store(0, 'two');
      let answered = false;
      const flush = setting.fsync().then(() => (answered = true)).catch(() => undefined);
      await expect.poll(cuts).toMatchObject([{ flush: 2, 'lost-bytes': 0 }]);
      expect([answered, fileText(0, 3)]).toEqual([false, 'two']);
      await setting.startAgain();
      await flush;
      expect(await loadText(0, 3)).toBe('two');
    });

    it('can leave its image beside a guest that goes on', async () => {
      await setting.store(0, 'flushed');
      await setting.fsync();
      await setting.store(4096, 'kept');
      const image = join(setting.folder, 'image.img');
      expect(await setting.failures.powerCut('nv1', { image, survivors: 'all' })).toMatchObject({ survivedBytes: 4, image });
      expect([fileText(0, 7, 'image.img'), fileText(4096, 4, 'image.img'), fileText(4096, 4)]).toEqual(['flushed', 'kept', '\0\0\0\0']);
      await expect(setting.failures.powerCut('nv1', { image })).rejects.toMatchObject({ code: 'power-cut', message: expect.stringMatching(/EEXIST/) as string });
      expect(await loadText(4096, 4)).toBe('kept');
      await setting.fsync();
      expect(fileText(4096, 4)).toBe('kept');
    });

    it('is told of beforehand: how much there is to lose, and since when at most', async () => {
      await setting.fsync();
      await setting.store(0, 'twelve bytes');
      const { exposure, memoryPath } = await setting.info();
      const told = { kind: tracker.kind, reason: undefined };
      expect(exposure).toEqual({ bytes: 12, parts: [0], oldest: expect.any(Number) as number, cuts: 0, tracker: told });
      expect(existsSync(memoryPath ?? '')).toBe(true);
      await setting.fsync();
      expect((await setting.info()).exposure).toEqual({ bytes: 0, oldest: undefined, cuts: 0, tracker: told });
    });

    it('is not what an end in good order is', async () => {
      await setting.store(0, 'stored');
      await setting.close();
      expect(fileText(0, 6)).toBe('stored');
    });
  });
}

/** What befalls a flush before it gets to a tracker. */
function flushCases(who: string, make: MakeSetting): void {
  describe(`a flush of ${who}`, () => {
    let setting: PowerSetting;
    beforeEach(async () => {
      setting = await make('compare');
    });
    afterEach(async () => {
      await setting.close();
      rmSync(setting.folder, { recursive: true, force: true });
    });

    it('fails once when it is told to, and then no more', async () => {
      await setting.failures.flushFault('nv1', { fault: 'error', atFlush: 2 });
      await setting.fsync();
      await setting.store(0, 'text');
      await expect(setting.fsync()).rejects.toThrow();
      await setting.fsync();
      expect((await setting.info()).faults).toEqual({ failed: 1, delayed: 0, hung: 0 });
      expect(bytesOf(join(setting.folder, 'disk.img'), 0, 4).toString()).toBe('text');
    });

    it('fails for good', async () => {
      await setting.failures.flushFault('nv1', { fault: 'error', lasting: true });
      for (let i = 0; i < 3; i++) await expect(setting.fsync()).rejects.toThrow();
      expect(setting.events.map(({ name }) => name)).toContain('PMEM_FLUSH_FAILED');
    });

    it('is late', async () => {
      await setting.failures.flushFault('nv1', { fault: 'delay', milliseconds: 60 });
      const began = performance.now();
      await setting.fsync();
      expect(performance.now() - began).toBeGreaterThanOrEqual(59);
      expect((await setting.info()).faults).toEqual({ failed: 0, delayed: 1, hung: 0 });
    });

    it('is not answered until that is taken back', async () => {
      await setting.failures.flushFault('nv1', { fault: 'hang' });
      const flush = setting.fsync();
      await expect.poll(async () => (await setting.info()).faults?.hung).toBe(1);
      expect((await setting.info()).flushes.inFlight).toBe(1);
      await setting.failures.flushFault('nv1', { fault: 'none' });
      await flush;
    });

    it('that is not answered does not keep the machine from ending', async () => {
      await setting.failures.flushFault('nv1', { fault: 'hang', lasting: true });
      await setting.store(0, 'text');
      const flush = setting.fsync().catch(() => undefined);
      await expect.poll(async () => (await setting.info()).faults?.hung).toBe(1);
      await setting.close();
      await flush;
      expect(bytesOf(join(setting.folder, 'disk.img'), 0, 4).toString()).toBe('text');
    });

    it('makes the host sync no oftener than it may, which can be changed meanwhile', async () => {
      expect((await setting.info()).faults).not.toHaveProperty('limit');
      await setting.failures.flushLimit('nv1', { ops: 50, burst: 3 });
      const before = (await setting.info()).flushes.synced;
      const began = performance.now();
      for (let i = 0; i < 8; i++) await setting.fsync();
      // Three at once, the others 20 ms apart, however slow the machine: a limit is on the time from the first, which came after this.
      expect(performance.now() - began).toBeGreaterThanOrEqual(5 * 20 - 5);
      const { faults, flushes } = await setting.info();
      expect(faults).toMatchObject({ limit: { ops: 50, burst: 3, heldBack: expect.any(Number) as number } });
      expect(flushes.synced - before).toBe(8);
      await setting.failures.flushLimit('nv1', { ops: 1 });
      await setting.fsync();
      const waiting = setting.fsync();
      await setting.failures.flushLimit('nv1', { ops: 0 });
      await waiting;
    });
  });
}

/** What is refused leaves nothing behind: one machine for all of it. */
function refusals(who: string, make: MakeSetting, tracker: TrackerChoice): void {
  describe.skipIf(tracker.obstacle !== undefined)(`what ${who} is refused${withTracker(tracker)}`, () => {
    let setting: PowerSetting;
    beforeAll(async () => {
      setting = await make(tracker.kind);
    });
    afterAll(async () => {
      await setting.close();
      rmSync(setting.folder, { recursive: true, force: true });
    });

    it.each([
      [{ seed: 2 ** 32 }, 'seed=4294967296 is not an integer from 0 to 4294967295'],
      [{ atFlush: 0 }, 'at-flush=0 is not an integer from 1 to 9007199254740991'],
      [{ phase: 'during' }, 'phase=during is a place in a flush; say which with at-flush, 1 being the next'],
    ] as const)('a power cut is refused with %o', async (request, message) => {
      await expect(setting.failures.powerCut('nv1', request)).rejects.toMatchObject({ code: 'bad-value', message });
      expect(setting.events.map(({ name }) => name)).not.toContain('PMEM_POWER_CUT');
    });

    it('a power cut is refused for a device that there is not', async () => {
      await expect(setting.failures.powerCut('nv9', {})).rejects.toMatchObject({ code: 'device-missing' });
    });

    it.each([
      [{ ops: -1 }, 'ops=-1 is not an integer from 0 to 1000000'],
      [{ ops: 1.5 }, 'ops=1.5 is not an integer from 0 to 1000000'],
      [{ ops: 1, burst: 0 }, 'burst=0 is not an integer from 1 to 1000000'],
      [{ ops: 0, burst: 5 }, 'burst belongs to a limit, and ops=0 means no limit; give ops a number'],
    ])('a flush is not limited to %o', async (request, message) => {
      await expect(setting.failures.flushLimit('nv1', request)).rejects.toMatchObject({ code: 'bad-value', message });
      expect((await setting.info()).faults).not.toHaveProperty('limit');
    });

    it.each([
      [{ fault: 'delay' }, 'fault=delay takes ms: for how long a flush is held back, in milliseconds'],
      [{ fault: 'delay', milliseconds: -1 }, 'ms=-1 is not an integer from 0 to 86400000'],
      [{ fault: 'error', milliseconds: 1 }, 'ms is for fault=delay, not for fault=error'],
      [{ fault: 'hang', atFlush: 0.5 }, 'at-flush=0.5 is not an integer from 1 to 9007199254740991'],
    ] as const)('a flush cannot go wrong with %o', async (request, message) => {
      await expect(setting.failures.flushFault('nv1', request)).rejects.toMatchObject({ code: 'bad-value', message });
      await setting.fsync();
    });
  });
}
