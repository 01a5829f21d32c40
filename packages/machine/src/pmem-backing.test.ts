import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterNode, closeBackend, fileSyncer, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { Mapping, writeSpan } from '@vpmem/native';
import { TRACKERS, withTracker } from '@vpmem/simulated-medium/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PmemBacking, putMark, type BackingState } from './pmem-backing.ts';

const SIZE = 2 ** 20;
let folder: string;
let open: { description: BackendDescription; backing: PmemBacking }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-backing-'));
  open = [];
});
afterEach(() => {
  for (const { description } of open) closeBackend(description);
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
async function make(id: string, options: object, mark?: (text: string, done: () => void) => void): Promise<PmemBacking> {
  const description = await openBackend({ type: 'memory-backend-file', id, memPath: path(`${id}.img`), size: SIZE, share: true, ...options });
  const observer = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
  const backing = new PmemBacking({ description, syncer: () => fileSyncer(description.fd), mark, defer: setImmediate, after: afterNode, observer });
  open.push({ description, backing });
  return backing;
}
const flush = (backing: PmemBacking): Promise<boolean> =>
  new Promise((resolve) => {
    backing.memory.flushes.request(resolve);
    backing.memory.flushes.start();
  });
const close = (backing: PmemBacking): Promise<void> => new Promise((resolve) => backing.settle(() => backing.close(resolve)));

describe.each(TRACKERS)('what is written otherwise than through a mapping', (tracker) => {
  it.skipIf(tracker.obstacle !== undefined)(`is flushed too${withTracker(tracker)}`, async () => {
    const backing = await make('mem1', { powerFailure: true, pageTracker: tracker.kind });
    const mapping = Mapping.ofFile(backing.memory.fd, { length: SIZE });
    backing.client('came', process.pid);
    expect([await flush(backing), await flush(backing)]).toEqual([true, true]);
    backing.memory.write(3 * 4096, 4, 0x6574_6f6e);
    backing.memory.write(3 * 4096 + 4, 1, 0x64);
    expect(await flush(backing)).toBe(true);
    expect(readFileSync(path('mem1.img')).subarray(3 * 4096, 3 * 4096 + 5).toString()).toBe('noted');
    await close(backing);
    mapping.unmap();
  });
});

it('a line of marks that nobody flushed does not keep anything from ending', async () => {
  const recorded = await make('mem1', { record: path('run.vpmrec') });
  const marks = await make('mem2', {}, (text, done) => putMark([{ backing: recorded }], text, done));
  writeSpan(marks.memory, 0, Buffer.from('flushed\n'));
  expect(await flush(marks)).toBe(true);
  expect(recorded.recording).toMatchObject({ marks: 1 });
  writeSpan(marks.memory, 0, Buffer.from('not flushed\n'));
  await Promise.all([close(recorded), close(marks)]);
});

describe('another goes on', () => {
  /** One that fails when it is told to, and a wheel for what it may wait for. */
  class Rig {
    readonly syncer = new ManualSyncer();
    readonly timers: (() => void)[] = [];
    readonly changes: BackingState[] = [];
    readonly answers: boolean[] = [];
    readonly backing: PmemBacking;

    constructor(description: BackendDescription, continues?: BackingState) {
      const after = (_ms: number, callback: () => void): (() => void) => {
        this.timers.push(callback);
        return () => void this.timers.splice(this.timers.indexOf(callback), 1);
      };
      const observer = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
      this.backing = new PmemBacking({
        description,
        syncer: () => this.syncer,
        defer: setImmediate,
        after,
        observer,
        ...(continues !== undefined && { continues: JSON.parse(JSON.stringify(continues)) as BackingState }),
        // What whoever reads it finds: what there is at that moment.
        changed: () => this.changes.push(this.backing.save()),
      });
    }

    ask(): void {
      this.backing.memory.flushes.request((durable) => this.answers.push(durable));
      this.backing.memory.flushes.start();
    }

    sync(error?: string): void {
      this.syncer.begin();
      this.syncer.finish(error);
    }
  }
  const description = (): Promise<BackendDescription> =>
    openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path('mem1.img'), size: SIZE, share: true });
  let described: BackendDescription;
  beforeEach(async () => {
    described = await description();
  });
  afterEach(() => closeBackend(described));

  it('with its counters, latency, limit and debt, and what is planned to go wrong', () => {
    const before = new Rig(described);
    before.backing.throttle.limitTo({ ops: 0.001, burst: 2 });
    before.backing.faults.plan({ kind: 'error', atFlush: 4, lasting: true, delay: 0 });
    before.ask();
    before.sync();
    before.ask();
    before.sync();
    const after = new Rig(described, before.backing.save());
    expect(after.backing.memory.flushes.stats).toEqual({ asked: 2, synced: 2, coalesced: 0, failed: 0 });
    expect(after.backing.memory.flushes.latency).toEqual(before.backing.memory.flushes.latency);
    expect(after.backing.faultStats).toEqual({ ...before.backing.faultStats, limit: { ops: 0.001, burst: 2, heldBack: 0 } });
    // Two tokens were taken, so the third has to wait; the fourth flush fails.
    after.ask();
    expect([after.syncer.started, after.timers.length]).toEqual([0, 1]);
    after.timers.splice(0).forEach((callback) => callback());
    after.sync();
    after.ask();
    after.timers.splice(0).forEach((callback) => callback());
    expect(after.answers).toEqual([true, false]);
    expect(after.backing.memory.flushes.failure).toMatchObject({ code: 'EIO' });
  });

  it('who has failed stays so, and says it before the first answer', () => {
    const before = new Rig(described);
    before.ask();
    let savedFirst: boolean | undefined;
    before.backing.memory.flushes.request(() => (savedFirst ??= before.changes.at(-1)?.flushes.failure?.code === 'EIO'));
    before.backing.memory.flushes.start();
    before.sync('EIO');
    expect([savedFirst, before.answers]).toEqual([true, [false]]);
    const after = new Rig(described, before.changes.at(-1));
    after.ask();
    expect([after.answers, after.syncer.started]).toEqual([[false], 0]);
    expect(after.backing.memory.flushes.failure).toMatchObject({ code: 'EIO', message: before.backing.memory.flushes.failure?.message });
    // Plugged in anew it counts no longer, and that is saved too.
    after.backing.memory.flushes.powerOn();
    expect(after.changes.at(-1)?.flushes.failure).toBeUndefined();
    const last = new Rig(described, after.changes.at(-1));
    last.ask();
    last.sync();
    expect(last.answers).toEqual([true]);
  });

  it.each([
    ['hangs', (rig: Rig) => rig.backing.faults.plan({ kind: 'hang', atFlush: 1, lasting: true, delay: 0 })],
    ['is late', (rig: Rig) => rig.backing.faults.plan({ kind: 'delay', atFlush: 1, lasting: true, delay: 3_600_000 })],
    ['has to wait for the limit', (rig: Rig) => rig.backing.throttle.limitTo({ ops: 0.001, burst: 1 })],
  ])('a flush that %s is answered first, and so are those behind it', (_, slow) => {
    const rig = new Rig(described);
    rig.ask();
    rig.sync();
    slow(rig);
    rig.ask();
    if (rig.backing.throttle.limit !== undefined) {
      rig.sync();
      rig.ask();
    }
    const asked = rig.syncer.started;
    const held: true[] = [];
    rig.backing.hold(() => held.push(true));
    rig.ask();
    expect(held).toEqual([]);
    while (held.length === 0) rig.sync();
    expect(rig.syncer.started).toBeGreaterThan(asked);
    expect(rig.backing.memory.flushes.inFlight).toBe(0);
    expect(new Set(rig.answers)).toEqual(new Set([true]));
    // What was promised to go wrong goes wrong again afterwards, here and there.
    const started = rig.syncer.started;
    const after = new Rig(described, rig.backing.save());
    rig.backing.proceed();
    rig.ask();
    after.ask();
    expect([rig.syncer.started, after.syncer.started]).toEqual([started, 0]);
  });

  it('what is planned, limited or cut is told of when it is', () => {
    const rig = new Rig(described);
    rig.backing.throttle.limitTo({ ops: 1, burst: 1 });
    rig.backing.faults.plan({ kind: 'hang', atFlush: 1, lasting: false, delay: 0 });
    expect(rig.changes.map(({ throttle, faults }) => [throttle.limit?.ops, faults.fault?.kind])).toEqual([
      [1, undefined],
      [1, 'hang'],
    ]);
    rig.ask();
    expect(rig.changes).toHaveLength(2);
  });

  it.each([
    ['flushes', { flushes: 3 }],
    ['asked', { flushes: { stats: { synced: 0, coalesced: 0, failed: 0 } } }],
    ['step', { flushes: { stats: { asked: 0, synced: 0, coalesced: 0, failed: 0 }, latency: { max: 0, steps: [{ step: 99_999, count: 1 }] } } }],
    ['kind', { faults: { stats: { failed: 0, delayed: 0, hung: 0 }, fault: { kind: 'explosion' } } }],
    ['tokens', { throttle: { heldBack: 0, limit: { ops: 1, burst: 1, tokens: 'many' } } }],
    ['seed', { leaves: { survivors: 'none', granularity: 'page', seed: -1 } }],
    ['cuts', { cuts: 0.5 }],
  ])('a state whose %s is not what it has to be is refused', (name, wrong) => {
    const state = { ...new Rig(described).backing.save(), ...wrong } as BackingState;
    expect(() => new Rig(described, state)).toThrow(new RegExp(`the saved state of memory backend 'mem1'.*\\.${name} is `));
  });
});

it('another goes on with a medium, its recording and what was cut; one that has none in its state is refused', async () => {
  const before = await make('mem1', { record: path('run.vpmrec') });
  const { description } = open[0]!;
  await new Promise((resolve) => before.mark('begun', resolve));
  writeSpan(before.memory, 0, Buffer.from('not flushed'));
  before.cut({ options: { survivors: 'all', granularity: 'page', seed: 3 }, at: { atFlush: 2, phase: 'before' } }, () => undefined);
  expect(await new Promise<string | undefined>((resolve) => before.hold(resolve))).toBeUndefined();
  const state = JSON.parse(JSON.stringify(before.save())) as BackingState;
  await new Promise<void>((resolve) => before.letGo(resolve));
  const goOn = (continues: BackingState): PmemBacking => {
    const observer = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
    return new PmemBacking({ description, syncer: () => fileSyncer(description.fd), defer: setImmediate, after: afterNode, observer, continues });
  };
  const { medium, ...rest } = state;
  expect(medium?.recording?.writer).toBeDefined();
  expect(() => goOn(rest)).toThrow("the saved state of memory backend 'mem1'.medium is missing; it has to be an object");
  expect(() => goOn({ ...state, cuts: -1 })).toThrow(/cuts is -1/);
  const after = goOn(state);
  expect(after.leaves).toMatchObject({ survivors: 'all', seed: 3 });
  expect(await flush(after)).toBe(true);
  expect(readFileSync(path('mem1.img')).subarray(0, 11).toString()).toBe('not flushed');
  expect(after.recording).toMatchObject({ flushes: 1, marks: 1, incomplete: undefined });
  // The cut that was planned comes at the second.
  expect(await flush(after)).toBe(false);
  await close(after);
});
