import { createHash } from 'node:crypto';
import type { StateUnit } from '@vpmem/recording';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Disk, PAGE, statesOf } from '../tests/disk.ts';
import { run } from '../tests/run.ts';

const PAGES = 3;

const store = fc.record({ do: fc.constant('store' as const), page: fc.nat(PAGES - 1), sector: fc.constantFrom(0, 0, 3), byte: fc.integer({ min: 0, max: 3 }), length: fc.constantFrom(8, 600) });
const step = fc.oneof(
  { weight: 5, arbitrary: store },
  { weight: 1, arbitrary: fc.constant({ do: 'tick' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'mark' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const), late: fc.boolean(), status: fc.constantFrom('ok' as const, 'ok' as const, 'failed' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), mask: fc.nat(7) }) },
);

function perform(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Disk {
  const disk = new Disk(PAGES);
  disk.store(0, Uint8Array.of(9)).flush();
  for (const [i, each] of steps.entries()) {
    if (each.do === 'store') disk.store(each.page * PAGE + each.sector * 512, new Uint8Array(each.length).fill(each.byte));
    else if (each.do === 'tick') disk.tick();
    else if (each.do === 'mark') disk.mark(`mark ${i}`);
    else if (each.do === 'cut') disk.cut((page) => ((each.mask >> page) & 1) === 1);
    else disk.flush(each.status, each.late ? () => disk.store(PAGE, Uint8Array.of(i)).mark(`late mark ${i}`) : undefined);
  }
  return disk;
}

const hash = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

/** Depends on the promise, and on some bytes only, of pages that it reads one after the other. */
function isBad(byte: (at: number) => number, marks: readonly string[]): boolean {
  return (byte(0) + marks.length + (byte(0) === 2 ? byte(PAGE) : byte(2 * PAGE + 3 * 512))) % 3 === 2;
}

it.each<StateUnit>(['page', 'sector'])('the states that are known in the end are those of the disk model, at unit %s', async (unit) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = perform(steps);
      const recording = disk.end();
      const wanted = disk.windows.map((window) => new Map(statesOf(window, unit).map((state) => [hash(state), state])));
      fc.pre(wanted.every(({ size }) => size <= 500));
      const seen = new Map<string, Set<string>>();
      const { report } = await run(recording, (image, { state, window, marks }) => {
        if (state === 'blank') return { verdict: 'violated' };
        expect(marks).toEqual(disk.windows.find(({ name }) => name === window)!.marks);
        if (!seen.has(window)) seen.set(window, new Set());
        seen.get(window)!.add(hash(image.read(0, image.size)));
        return { verdict: 'kept' };
      }, { units: [unit], states: 2 ** 20 });
      const checked = new Set([...seen.values()].flatMap((each) => [...each]));
      for (const [index, { name, coverage }] of report.windows.entries()) {
        const there = wanted[index]!;
        expect({ name, coverage: coverage.map(({ possible, known, coverage: how }) => ({ possible, known, how })) }).toEqual({ name, coverage: [{ possible: there.size, known: there.size, how: 'exhaustive' }] });
        for (const each of seen.get(name) ?? []) expect(there.has(each)).toBe(true);
        for (const each of there.keys()) expect(checked.has(each)).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

it.each<StateUnit>(['page', 'sector'])('states that need no check by what was read have the verdict that they would have got, at unit %s', async (unit) => {
  let [states, checks] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = perform(steps);
      const recording = disk.end();
      const wanted = disk.windows.map((window) => new Map(statesOf(window, unit).map((state) => [hash(state), state])));
      fc.pre(wanted.every(({ size }) => size <= 500));
      fc.pre(!isBad((at) => disk.flushed[at]!, disk.windows.find(({ name }) => name === disk.lastFlush)!.marks));
      const { report } = await run(recording, (image, { state, marks }) => ({ verdict: state === 'blank' || isBad((at) => image.read(at, 1)[0]!, marks) ? 'violated' : 'kept' }), { units: [unit], states: 2 ** 20 });
      for (const [index, { name, coverage, violated }] of report.windows.entries()) {
        const bad = [...wanted[index]!.values()].filter((state) => isBad((at) => state[at]!, disk.windows[index]!.marks)).length;
        expect({ name, known: coverage[0]!.known, violated }).toEqual({ name, known: wanted[index]!.size, violated: bad });
      }
      states += report.totals.states;
      checks += report.totals.checks;
    }),
    { numRuns: 60 },
  );
  expect(checks).toBeLessThan(states);
});

it('a window of seven pages is gone through in few checks if recovery reads few of them', async () => {
  const disk = new Disk(9);
  disk.store(8 * PAGE, 'fs').flush();
  for (let page = 0; page < 7; page++) disk.store(page * PAGE, Uint8Array.of(page + 1));
  disk.flush();
  // A commit page is read, and only if it is there the pages that it names; one of them names another.
  const { report } = await run(disk.end(), (image) => {
    if (image.read(8 * PAGE, 1)[0] === 0) return { verdict: 'violated' };
    if (image.read(0, 1)[0] === 0) return { verdict: 'kept' };
    if (image.read(PAGE, 1)[0] === 0) return { verdict: 'violated', signature: 'committed, and not there' };
    return { verdict: image.read(2 * PAGE, 1)[0] === 0 && image.read(3 * PAGE, 1)[0] !== 0 ? 'violated' : 'kept', signature: 'half of it' };
  }, { from: '2', units: ['page'] });
  const [coverage] = report.windows[1]!.coverage;
  expect(coverage).toMatchObject({ units: 7, possible: 128, known: 128, coverage: 'exhaustive' });
  // Its none is the whole of flush 1, which was asked with other pages to watch.
  expect(coverage!.checks).toBe(6);
  expect(report.failures.map(({ signature, count }) => ({ signature, count }))).toEqual([{ signature: 'committed, and not there', count: 32 }, { signature: 'half of it', count: 8 }]);
  expect(report.totals.pruned.reads).toBe(128 - 6);
});

it('a window of more than eight pages is gone through as well if recovery reads few of them', async () => {
  const disk = new Disk(13);
  disk.store(12 * PAGE, 'fs').flush();
  for (let page = 0; page < 12; page++) disk.store(page * PAGE, Uint8Array.of(page + 1));
  disk.flush();
  const { report } = await run(disk.end(), (image, { state }) => {
    const [commit = 0, data = 0] = [image.read(3 * PAGE, 1)[0], image.read(7 * PAGE, 1)[0]];
    return { verdict: state === 'blank' || (commit !== 0 && data === 0) ? 'violated' : 'kept' };
  }, { from: '2', units: ['page'] });
  expect(report.windows[1]!.coverage[0]).toMatchObject({ units: 12, possible: 4096, known: 4096, coverage: 'exhaustive' });
  expect(report.windows[1]!.violated).toBe(1024);
  expect(report.failures[0]!.minimal).toMatchObject({ state: '2:page:-8', kind: 'lost' });
});
