import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Recording } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Disk, PAGE } from '../../tests/disk.ts';
import { RecoveringPlace, type RecoveredDisk } from '../../tests/recovering-place.ts';
import { run, type Run } from '../../tests/run.ts';
import { checkState, MemoryPlace, type CheckQuestion, type ExploreOptions, type MemoryVerdict } from '../index.ts';
import { recoveryFileName } from './recovery-file.ts';

/** Where things are: two values that have to agree, and a log of what they are to become, which counts while its first byte says so. */
const [LEFT, RIGHT, LOG] = [PAGE, 2 * PAGE, 3 * PAGE];
const LOGGED = 7;

/** Each new value goes into the log, then into its places, and is forgotten in the log: right, if recovery does as much. */
function recorded(values = 3): Recording {
  const disk = new Disk(4);
  disk.store(0, 'fs').flush();
  for (let value = 1; value <= values; value++) {
    disk.store(LOG + 1, Uint8Array.of(value)).flush();
    disk.store(LOG, Uint8Array.of(LOGGED)).flush().mark(`value ${value}`);
    disk.store(LEFT, Uint8Array.of(value)).store(RIGHT, Uint8Array.of(value)).flush();
    disk.store(LOG, Uint8Array.of(0)).flush();
  }
  return disk.end();
}

type Recovery = (disk: RecoveredDisk, value: number) => void;

const right: Recovery = (disk, value) => {
  disk.write(LEFT, value);
  disk.write(RIGHT, value);
  disk.flush();
  disk.write(LOG, 0);
  disk.flush();
};
/** Forgets what it is to do before that is done. */
const hasty: Recovery = (disk, value) => {
  disk.write(LOG, 0);
  disk.flush();
  disk.write(LEFT, value);
  disk.write(RIGHT, value);
  disk.flush();
};

function checker(recover: Recovery) {
  return (disk: RecoveredDisk, { marks }: CheckQuestion): MemoryVerdict => {
    if (disk.byte(0) !== 0x66) return { verdict: 'violated', signature: 'nothing there' };
    if (disk.byte(LOG) === LOGGED) recover(disk, disk.byte(LOG + 1));
    if (disk.byte(LEFT) !== disk.byte(RIGHT)) return { verdict: 'violated', signature: 'the two differ' };
    return disk.byte(LEFT) < marks.length ? { verdict: 'violated', signature: 'a value is lost' } : { verdict: 'kept' };
  };
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-second-cut-test-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const explored = (recover: Recovery, options: Partial<ExploreOptions> = {}): Promise<Run> => {
  const recording = recorded();
  return run(recording, () => ({ verdict: 'broken' }), { openPlace: () => Promise.resolve(new RecoveringPlace(recording.size, checker(recover))), units: ['page'], from: '2', secondCut: { folder: join(folder, 'cuts') }, ...options });
};

describe('a second power cut', () => {
  it('finds a recovery that is not to be interrupted, which one cut does not show', async () => {
    const { report, events } = await explored(hasty);
    expect(report.failures).toEqual([]);
    expect(report.options.secondCut).toBe(16);
    const cuts = report.secondCuts ?? [];
    expect(cuts.length).toBeGreaterThan(2);
    expect(new Set(cuts.flatMap(({ failures }) => failures.map(({ signature }) => signature)))).toEqual(new Set(['the two differ', 'a value is lost']));
    for (const { state, file, failures } of cuts) {
      expect(file).toBe(join(folder, 'cuts', recoveryFileName('run.vpmrec', state)));
      for (const failure of failures) expect(failure.reproduce).toBe(`vpmem explore --reproduce '${file} ${failure.state}'`);
    }
    expect(events.filter(({ type }) => type === 'second-cut')).toHaveLength(cuts.length);
    expect(cuts[0]?.failures.find(({ signature }) => signature === 'the two differ')?.minimal).toMatchObject({ bytes: 1, pieces: [{ offset: LEFT, length: 8 }] });
  });

  it('can be looked at again by the recording that is left of it', async () => {
    const { report } = await explored(hasty);
    const [cut] = report.secondCuts ?? [];
    const recording = Recording.open(cut?.file ?? '');
    expect({ complete: recording.complete, size: recording.size, windows: recording.windows.length }).toEqual({ complete: true, size: 4 * PAGE, windows: cut?.windows });
    for (const failure of cut?.failures ?? []) {
      const { answer } = await checkState(recording, failure.state, new RecoveringPlace(recording.size, checker(hasty)));
      expect(answer).toMatchObject({ verdict: failure.verdict, signature: failure.signature });
    }
    recording.close();
  });

  it('finds nothing in a recovery that may be interrupted', async () => {
    const { report } = await explored(right, { units: ['page', 'word'] });
    expect(report.ended).toBe('complete');
    expect(report.secondCuts?.length).toBeGreaterThan(2);
    expect(report.secondCuts?.flatMap(({ failures }) => failures)).toEqual([]);
    expect(report.secondCuts?.every(({ states, ended }) => states > 3 && ended === 'complete')).toBe(true);
  });

  it('gives the same recordings each time, over those that are there', async () => {
    const bytes = (): Buffer[] => readdirSync(join(folder, 'cuts')).toSorted().map((name) => readFileSync(join(folder, 'cuts', name)));
    await explored(right);
    const first = bytes();
    await explored(right);
    expect(first.length).toBeGreaterThan(2);
    expect(bytes()).toEqual(first);
  });

  it('keeps each content that recovery has written, also what it overwrote', async () => {
    // First a value that is wrong: a disk may keep it.
    const { report } = await explored((disk, value) => {
      disk.write(LEFT, value - 1, 9);
      disk.write(LEFT, value);
      disk.write(RIGHT, value);
      disk.write(LOG, 0);
      disk.flush();
    });
    const states = report.secondCuts?.flatMap(({ failures }) => failures.flatMap((failure) => failure.states)) ?? [];
    expect(states.some((state) => state.includes('@') || state.includes('random'))).toBe(true);
  });

  it('is tried of no more states than were asked for', async () => {
    const { report } = await explored(right, { secondCut: { folder: join(folder, 'cuts'), states: 2 } });
    expect(report.options.secondCut).toBe(2);
    expect(readdirSync(join(folder, 'cuts')).length).toBe(report.secondCuts?.length);
    expect(report.secondCuts?.length).toBeLessThanOrEqual(2);
  });

  it('leaves no recording of a recovery that writes nothing', async () => {
    const { report } = await explored(() => undefined, { units: ['page'], from: 'end' });
    expect(report.secondCuts).toEqual([]);
    expect(existsSync(join(folder, 'cuts')) ? readdirSync(join(folder, 'cuts')) : []).toEqual([]);
  });

  it('says what is not known where a recovery wrote too much', async () => {
    const recording = recorded();
    class Forgetful extends RecoveringPlace {
      override async check(question: CheckQuestion): ReturnType<RecoveringPlace['check']> {
        const answer = await super.check(question);
        return { ...answer, ...(answer.writes !== undefined && { writes: [...answer.writes.slice(0, 2), { type: 'lost', text: 'too much' }] }) };
      }
    }
    const { report } = await run(recording, () => ({ verdict: 'broken' }), { openPlace: () => Promise.resolve(new Forgetful(recording.size, checker(right))), secondCut: { folder } });
    const [cut] = report.secondCuts ?? [];
    const left = Recording.open(cut?.file ?? '');
    expect([left.complete, left.ending.text]).toEqual([false, expect.stringContaining('too much')]);
    left.close();
  });

  it('is refused where nobody sees what recovery writes', async () => {
    const recording = recorded();
    const openPlace = (): Promise<MemoryPlace> => Promise.resolve(new MemoryPlace(recording.size, (image) => (image.read(0, 1)[0] === 0x66 ? { verdict: 'kept' } : { verdict: 'violated' })));
    await expect(run(recording, () => ({ verdict: 'broken' }), { openPlace, secondCut: { folder } })).rejects.toThrow("second cut: in a place such as 'image' nobody sees what recovery writes; 'host' is one that does");
    await expect(explored(right, { secondCut: { folder, states: 0 } })).rejects.toThrow('secondCut: 0 is none or no whole number of states; 1 or more');
  });

  it('keeps to the budget', async () => {
    let time = 0;
    const { report } = await explored(right, { budget: 200, now: () => (time += 1) });
    expect(report.ended).toBe('budget');
    expect(report.options.budget).toBe(0.2);
    expect(time).toBeLessThan(400);
  });

  it('ends when it is stopped, with what was known', async () => {
    const stop = new AbortController();
    const recording = recorded();
    let checks = 0;
    const look = checker(right);
    const { report } = await run(recording, () => ({ verdict: 'broken' }), {
      openPlace: () => Promise.resolve(new RecoveringPlace(recording.size, (disk, question) => {
        if (question.trace === true && ++checks === 3) stop.abort();
        return look(disk, question);
      })),
      secondCut: { folder }, signal: stop.signal,
    });
    expect({ ended: report.ended, cuts: report.secondCuts, checks }).toEqual({ ended: 'interrupted', cuts: [], checks: 3 });
  });
});

it.each([
  ['run.vpmrec', '41:page:-3', 'run-41_page_-3.vpmrec'],
  ['/a/b c/$(x) é.vpmrec', 'cut1:all@2', '__x___-cut1_all_2.vpmrec'],
  ['.vpmrec', 'end', 'recording-end.vpmrec'],
  ['-rf', '1:none', '_rf-1_none.vpmrec'],
])('of %s at %s the recording is %s', (file, state, name) => {
  expect(recoveryFileName(file, state)).toBe(name);
});

it('long states have short names that differ', () => {
  const names = ['2', '3'].map((last) => recoveryFileName('run.vpmrec', `41:page:-${'1,'.repeat(300)}${last}`));
  expect(new Set(names).size).toBe(2);
  expect(Math.max(...names.map((name) => name.length))).toBeLessThan(200);
});
