import { expect, it } from 'vitest';
import { Disk, PAGE } from '../../tests/disk.ts';
import { twoSectorSuperblock } from '../../tests/programs.ts';
import { run } from '../../tests/run.ts';
import { ExploreError, type ExploreOptions, type MemoryVerdict } from '../index.ts';

function recorded(): ReturnType<Disk['end']> {
  return new Disk(4).store(0, 'fs').flush().mark('made').store(PAGE, 'a').flush().mark('a is there').store(PAGE, 'b').end();
}

async function refusal(says: (state: string) => MemoryVerdict, options: Partial<ExploreOptions> = {}, recording = recorded()): Promise<string> {
  const error: unknown = await run(recording, (_, { state }) => says(state), options).then(() => 'nothing was wrong', (reason: unknown) => reason);
  expect(error).toBeInstanceOf(ExploreError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

const fair = (state: string): MemoryVerdict => ({ verdict: state === 'blank' ? 'violated' : 'kept' });

it.each<[string, (state: string) => MemoryVerdict, string]>([
  ['always fails', () => ({ verdict: 'violated', signature: 'no' }), 'the checker says violated (no) of flush 2 with nothing lost; of that it has to say kept (exit status 0), or it proves nothing'],
  ['has nothing to say', () => ({ verdict: 'inapplicable' }), 'the checker says inapplicable of flush 2 with nothing lost; of that it has to say kept (exit status 0), or it proves nothing'],
  ['hangs', () => ({ verdict: 'hang' }), 'the checker says hang of flush 2 with nothing lost; of that it has to say kept (exit status 0), or it proves nothing'],
  ['always passes', () => ({ verdict: 'kept' }), 'the checker says kept of a disk that holds nothing; of that it has to say violated (exit status 1), or it proves nothing'],
  ['does not apply to a blank disk', (state) => ({ verdict: state === 'blank' ? 'inapplicable' : 'kept' }), 'the checker says inapplicable of a disk that holds nothing; of that it has to say violated (exit status 1), or it proves nothing'],
  ['is broken', () => ({ verdict: 'broken', signature: 'not found' }), 'the checker could not do its work at 2:all: not found; nothing is known then; fix the checker first'],
  ['finds no file system at the beginning', (state) => (state === '1:none' || state === 'blank' ? { verdict: 'violated', step: 'mount', signature: 'bad magic' } : { verdict: 'kept' }),
    "before 1 the disk cannot be mounted (bad magic): there was no file system yet; give --from the first flush after it was made, or mark 'made' if it was made after"],
])('a checker that %s proves nothing', async (_, says, message) => {
  expect(await refusal(says)).toBe(message);
});

it('a file system that was there cannot be mounted: that is a failure like any other', async () => {
  const { recording, check } = twoSectorSuperblock();
  const { report } = await run(recording, check, { from: '2' });
  expect(report.failures.map(({ step }) => step)).toEqual(['mount']);
});

it('what is not promised yet at the beginning may be missing: only a mount that fails there is a mistake', async () => {
  const { report } = await run(recorded(), (image) => ({ verdict: image.read(0, 1)[0] === 0 ? 'violated' : 'kept', signature: 'nothing there' }));
  expect(report.failures.map(({ state, step }) => ({ state, step }))).toEqual([{ state: '1:page:-1', step: 'check' }]);
});

it.each<[Partial<ExploreOptions>, string]>([
  [{ units: [] }, 'unit: none is given; there are page, sector, line, word'],
  [{ units: ['page', 'bit' as 'word'] }, "unit: there is no 'bit'; there are page, sector, line, word"],
  [{ jobs: 0 }, 'jobs: 0 is none or no whole number; 1 or more'],
  [{ seed: -1 }, 'seed: -1 is no whole number from 0 to 4294967295'],
  [{ states: 0.5 }, 'states: 0.5 is none or no whole number; 1 or more of each window'],
  [{ budget: 0 }, 'budget: in 0 ms nothing can be checked; give it some time, or leave it out for no limit'],
  [{ budget: NaN }, 'budget: in NaN ms nothing can be checked; give it some time, or leave it out for no limit'],
  [{ shard: { index: 4, of: 3 } }, 'shard: there is no 4/3; INDEX/OF, with an INDEX from 1 to OF'],
  [{ shard: { index: 0, of: 3 } }, 'shard: there is no 0/3; INDEX/OF, with an INDEX from 1 to OF'],
  [{ from: '9' }, "from: there is neither a window nor a mark '9'; windows are 1, 2, end, marks are 'made', 'a is there'"],
])('options that cannot work: %j', async (options, message) => {
  expect(await refusal(fair, options)).toBe(message);
});

it('a recording in which nothing became durable is refused', async () => {
  expect(await refusal(fair, {}, new Disk(2).store(0, 'x').flush('failed').end())).toBe('run.vpmrec: no flush in it was answered, so nothing became durable; record a guest that flushes');
});

it.each([['2', '2'], ['made', '2'], ['a is there', 'end'], ['end', 'end']])('from %s it begins with window %s', async (from, window) => {
  const { report } = await run(recorded(), (_, { state }) => fair(state), { from });
  expect(report.options.from).toBe(window);
  expect(report.windows.find(({ coverage }) => coverage.some(({ known }) => known > 0))?.name).toBe(window);
});
