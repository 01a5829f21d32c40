import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Disk, PAGE } from '../../tests/disk.ts';
import { logWithoutFsync, tornHeader } from '../../tests/programs.ts';
import { run, timeless } from '../../tests/run.ts';
import { MemoryPlace, explore, type CheckPlace, type ExploreReport, type MemoryChecker } from '../index.ts';

/** Windows of several pages, of which some fail. */
function program(): ReturnType<typeof logWithoutFsync> {
  const disk = new Disk(12);
  disk.store(0, Uint8Array.of(1)).flush();
  for (let i = 1; i <= 6; i++) {
    for (let page = 1; page <= i + 2; page++) disk.store(page * PAGE, Uint8Array.of(i)).store(page * PAGE + 1024, Uint8Array.of(i, i));
    if (i % 2 === 0) disk.tick().store(PAGE, Uint8Array.of(100 + i)).mark(`mark ${i}`);
    disk.flush();
  }
  return {
    recording: disk.end(),
    check: (image) => {
      if (image.read(0, 1)[0] !== 1) return { verdict: 'violated', signature: 'nothing there' };
      const [a = 0, b = 0, c = 0] = [image.read(PAGE, 1)[0], image.read(2 * PAGE, 1)[0], image.read(3 * PAGE + 1025, 1)[0]];
      return a % 100 < b ? { verdict: 'violated', signature: 'the first is older than the second' } : b < c ? { verdict: 'violated', signature: 'the second is older than the third' } : { verdict: 'kept' };
    },
  };
}

it('the same seed is the same run, with any number of jobs', async () => {
  const { recording, check } = program();
  const late: MemoryChecker = async (image, question) => {
    // Some answers are late, so that jobs overtake each other.
    await setTimeout(question.state.length % 2);
    return check(image, question);
  };
  const options = { from: '2', seed: 5, states: 60 };
  const once = await run(recording, check, options);
  expect(once.report.failures).toHaveLength(2);
  expect(timeless((await run(recording, check, options)).report)).toEqual(timeless(once.report));
  for (const jobs of [2, 3, 9]) expect(timeless((await run(recording, late, { ...options, jobs })).report)).toEqual(timeless(once.report));
});

it('another seed tries other states', async () => {
  const { recording, check } = program();
  const states = async (seed: number): Promise<Set<string>> => {
    const seen = new Set<string>();
    await run(recording, (image, question) => {
      seen.add(question.state);
      return check(image, question);
    }, { from: '7', seed, units: ['word'], states: 100 });
    return seen;
  };
  const [one, two] = [await states(1), await states(2)];
  expect(one).not.toEqual(two);
});

it('shards are disjoint, and together they are the whole', async () => {
  const { recording, check } = program();
  const whole = (await run(recording, check, { from: '2' })).report;
  const shards: ExploreReport[] = [];
  for (const index of [1, 2, 3]) shards.push((await run(recording, check, { from: '2', shard: { index, of: 3 } })).report);
  for (const [i, { name, coverage, violated }] of whole.windows.entries()) {
    const looked = shards.map(({ windows }) => windows[i]!).filter((window) => window.coverage.some(({ known }) => known > 0));
    expect(looked).toHaveLength(name === '1' ? 0 : 1);
    if (name === '1') continue;
    // Checks of what neighbours share are the only thing that differs.
    const known = (each: typeof coverage): unknown => each.map(({ unit, units, possible, known: count, coverage: how }) => ({ unit, units, possible, count, how }));
    expect(known(looked[0]!.coverage)).toEqual(known(coverage));
    expect(looked[0]!.violated).toBe(violated);
  }
  expect(shards.reduce((sum, { totals }) => sum + totals.states, 0)).toBe(whole.totals.states);
  const count = (report: ExploreReport, signature: string): number => report.failures.find((each) => each.signature === signature)?.count ?? 0;
  for (const { signature, count: all } of whole.failures) expect(shards.reduce((sum, shard) => sum + count(shard, signature), 0)).toBe(all);
});

it('a shard beyond the last window looks at nothing', async () => {
  const { recording, check } = tornHeader();
  const { report } = await run(recording, check, { shard: { index: 9, of: 9 } });
  expect(report).toMatchObject({ ended: 'complete', failures: [], totals: { states: 0, windows: { exhaustive: 0, sampled: 0, skipped: 4 } } });
});

it('when the time is over every window has had its turn', async () => {
  const { recording, check } = program();
  let now = 0;
  const slow: MemoryChecker = (image, question) => {
    now += 10;
    image.read(0, image.size);
    return question.state === 'blank' ? check(image, question) : { verdict: 'kept' };
  };
  // Three checks of the checker, then none and all and some more of each of seven windows.
  const { report, events } = await run(recording, slow, { from: '2', budget: 30 + 10 * 40, now: () => now });
  expect(report.ended).toBe('budget');
  expect(report.totals.seconds).toBeLessThanOrEqual(0.45);
  const checks = report.windows.slice(1).map(({ coverage }) => coverage.reduce((sum, each) => sum + each.checks, 0));
  // None is lent where the window before is the same; the end has nothing but that.
  for (const { name, coverage } of report.windows.slice(1)) expect(coverage[0]!.known).toBeGreaterThanOrEqual(name === 'end' ? 1 : 2);
  expect(Math.max(...checks)).toBeLessThanOrEqual(22);
  const last = events.findLast((event) => event.type === 'progress');
  expect(last).toMatchObject({ left: 0, checks: report.totals.checks });
});

it('the time that places take to open is not of the budget', async () => {
  const { recording, check } = program();
  let now = 0;
  const slow: MemoryChecker = (image, question) => {
    now += 10;
    return check(image, question);
  };
  const openPlace = (): Promise<MemoryPlace> => {
    now += 60_000;
    return Promise.resolve(new MemoryPlace(recording.size, slow));
  };
  const { report } = await run(recording, slow, { from: '2', budget: 300, jobs: 2, openPlace, now: () => now });
  expect(report.totals.checks).toBeGreaterThan(20);
  expect(report.totals.seconds).toBeLessThanOrEqual(0.35);
});

it('some of the budget is left to find the least that fails', async () => {
  const { recording, check } = program();
  let now = 0;
  const { report } = await run(recording, (image, question) => {
    now += 10;
    return check(image, question);
  }, { from: '2', budget: 1000, now: () => now });
  expect(report.ended).toBe('budget');
  expect(report.totals.seconds).toBeLessThanOrEqual(1.01);
  for (const failure of report.failures) expect(failure.minimal!.pieces).toHaveLength(1);
});

/** Hangs at a check until it is closed. */
class HangingPlace implements CheckPlace {
  readonly kind = 'image';
  readonly #inner: MemoryPlace;
  readonly #hangAt: number;
  readonly #hanging: () => void;
  #checks = 0;
  #end: (() => void) | undefined;
  closed = 0;

  constructor(inner: MemoryPlace, hangAt: number, hanging: () => void) {
    this.#inner = inner;
    this.#hangAt = hangAt;
    this.#hanging = hanging;
  }
  get target(): CheckPlace['target'] {
    return this.#inner.target;
  }
  async check(question: Parameters<CheckPlace['check']>[0]): ReturnType<CheckPlace['check']> {
    if (++this.#checks < this.#hangAt) return this.#inner.check(question);
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      this.#hanging();
    });
    return { verdict: 'violated', step: 'check', signature: 'killed', output: '', reads: undefined, milliseconds: 1 };
  }
  checkBlank(question: Parameters<CheckPlace['check']>[0]): ReturnType<CheckPlace['check']> {
    return this.#inner.checkBlank(question);
  }
  close(): Promise<void> {
    this.closed++;
    this.#end?.();
    return Promise.resolve();
  }
}

it.each([1, 2, 12])('stopped at check %i of a place, it closes all places, and reports what it knew', async (hangAt) => {
  const { recording, check } = program();
  const stop = new AbortController();
  const places: HangingPlace[] = [];
  const openPlace = (): Promise<CheckPlace> => {
    const place = new HangingPlace(new MemoryPlace(recording.size, check), hangAt, () => stop.abort());
    places.push(place);
    return Promise.resolve(place);
  };
  const { report } = await run(recording, check, { from: '2', jobs: 3, openPlace, signal: stop.signal });
  expect(report.ended).toBe('interrupted');
  expect(report.failures.map(({ signature }) => signature)).not.toContain('killed');
  expect(places.map(({ closed }) => closed)).toEqual(places.map(() => 1));
  expect(places).toHaveLength(hangAt <= 2 ? 1 : 3);
  expect(report.totals.states > 0).toBe(hangAt > 2);
});

it('a place that opens when it is stopped already is closed too', async () => {
  const { recording, check } = program();
  const stop = new AbortController();
  const place = new HangingPlace(new MemoryPlace(recording.size, check), Infinity, () => undefined);
  const openPlace = async (): Promise<CheckPlace> => {
    stop.abort();
    await setTimeout(5);
    return place;
  };
  const { report } = await run(recording, check, { from: '2', openPlace, signal: stop.signal });
  expect(report.ended).toBe('interrupted');
  expect(place.closed).toBe(1);
});

it('a place that cannot be opened ends it, and the others are closed', async () => {
  const { recording, check } = program();
  const places: HangingPlace[] = [];
  const openPlace = async (job: number): Promise<CheckPlace> => {
    if (job === 1) throw new Error('no loop device is free');
    // The last opens when the second has failed.
    if (job === 2) await setTimeout(5);
    const place = new HangingPlace(new MemoryPlace(recording.size, check), Infinity, () => undefined);
    places.push(place);
    return place;
  };
  await expect(run(recording, check, { from: '2', jobs: 3, openPlace })).rejects.toThrow('no loop device is free');
  expect(places.map(({ closed }) => closed)).toEqual([1, 1]);
});

it('a caller that stops listening stops the run', async () => {
  const { recording, check } = program();
  const places: HangingPlace[] = [];
  const openPlace = (): Promise<CheckPlace> => {
    const place = new HangingPlace(new MemoryPlace(recording.size, check), Infinity, () => undefined);
    places.push(place);
    return Promise.resolve(place);
  };
  for await (const event of explore(recording, { file: 'run.vpmrec', from: '2', openPlace })) if (event.type === 'failure') break;
  expect(places.map(({ closed }) => closed)).toEqual([1]);
});

it('a checker that breaks ends it, and the other places are closed at once', async () => {
  const { recording, check } = program();
  const places: HangingPlace[] = [];
  const openPlace = (job: number): Promise<CheckPlace> => {
    const breaks: MemoryChecker = (image, question) => {
      if (question.state.includes('sector')) throw new Error('no such program');
      return check(image, question);
    };
    const place = new HangingPlace(new MemoryPlace(recording.size, breaks), job === 0 ? Infinity : 1, () => undefined);
    places.push(place);
    return Promise.resolve(place);
  };
  await expect(run(recording, check, { from: '2', jobs: 2, openPlace })).rejects.toThrow(/^the checker could not do its work at \d:sector:.*: no such program; nothing is known then; fix the checker first$/);
  expect(places.map(({ closed }) => closed)).toEqual([1, 1]);
});

it('tells each new failure once, and how far it is', async () => {
  const { recording, check } = program();
  let now = 0;
  const { events, report } = await run(recording, check, { from: '2', now: () => (now += 100) });
  expect(events.filter(({ type }) => type === 'failure')).toHaveLength(2);
  expect(events.filter(({ type }) => type === 'minimising')).toHaveLength(2);
  const progress = events.filter((event) => event.type === 'progress');
  expect(progress.length).toBeGreaterThan(3);
  expect(progress.at(-1)).toMatchObject({ windows: { done: 7, begun: 7, all: 7 }, known: report.totals.states, failures: { groups: 2, states: report.failures.reduce((sum, { count }) => sum + count, 0) }, left: 0 });
});
