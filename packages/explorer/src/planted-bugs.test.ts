import { expect, it } from 'vitest';
import { Disk, PAGE } from '../tests/disk.ts';
import { checksummedLog, logWithoutFsync, renameWithoutDirectoryFsync, tornHeader, twoSectorSuperblock } from '../tests/programs.ts';
import { run } from '../tests/run.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');

it('a log whose record and count are flushed at once: the record is what is lost', async () => {
  const { recording, check } = logWithoutFsync();
  const { report } = await run(recording, check, { from: '2', units: ['page', 'sector', 'line', 'word'], nameBytes: (images, ranges) => ranges.map((range) => ({ ...range, name: Buffer.from(images[0]!.read(range.offset, 8)).toString() })) });
  expect(report.failures).toHaveLength(1);
  const [failure] = report.failures;
  expect(failure).toMatchObject({ signature: 'a record is garbage', step: 'check', verdict: 'violated', count: 3 * 1, windows: ['2', '3', '4'], unit: 'page', state: '2:page:-2', output: 'looking\na record is garbage\n' });
  expect(failure!.minimal).toMatchObject({ state: '2:page:-2', kind: 'lost', unit: 'page', bytes: 8 });
  expect(failure!.minimal!.pieces).toEqual([
    { offset: PAGE, length: 8, shown: PAGE, before: '00'.repeat(64), after: hex('record 1').padEnd(128, '0'), names: [{ offset: PAGE, length: 8, name: 'record 1' }] },
  ]);
});

it('a header in two sectors without a checksum: it begins with sectors, and one of the two is lost', async () => {
  const { recording, check } = tornHeader();
  expect((await run(recording, check, { units: ['page'] })).report.failures).toEqual([]);
  const { report } = await run(recording, check, { units: ['page', 'sector', 'word'] });
  expect(report.failures).toHaveLength(1);
  expect(report.failures[0]).toMatchObject({ signature: 'the header is of two generations', unit: 'sector', windows: ['1', '2', '3'], minimal: { state: '1:sector:-1.1', kind: 'lost', unit: 'sector', bytes: 1 } });
  expect(report.failures[0]!.minimal!.pieces.map(({ offset, length }) => ({ offset, length }))).toEqual([{ offset: PAGE, length: 8 }]);
});

it('a promised name whose directory is not flushed: of all that is not there only the directory matters', async () => {
  const { recording, check } = renameWithoutDirectoryFsync();
  const { report } = await run(recording, check, { from: '2', units: ['page', 'sector'] });
  expect(report.failures).toHaveLength(1);
  expect(report.failures[0]).toMatchObject({ signature: 'the file has its old name', unit: 'page', windows: ['3'], marks: ['renamed'], minimal: { state: '3:page:-1', kind: 'lost', unit: 'page' } });
  expect(report.failures[0]!.minimal!.pieces.map(({ offset }) => offset)).toEqual([3 * PAGE]);
});

it('a superblock in two sectors: it cannot be mounted if one of them is lost', async () => {
  const { recording, check } = twoSectorSuperblock();
  const { report } = await run(recording, check, { from: '2' });
  expect(report.failures).toHaveLength(1);
  expect(report.failures[0]).toMatchObject({ signature: 'superblock: bad checksum', step: 'mount', unit: 'sector', windows: ['3'], minimal: { state: '3:sector:-1.1', kind: 'lost', unit: 'sector' } });
  expect(report.failures[0]!.minimal!.pieces.map(({ offset }) => offset)).toEqual([1024]);
});

it('a log with checksums is clean, whatever the disk tears at', async () => {
  const { recording, check } = checksummedLog();
  const { report } = await run(recording, check, { from: '2', units: ['page', 'sector', 'line', 'word'], states: 400 });
  expect(report.failures).toEqual([]);
  expect(report.totals.byVerdict).toMatchObject({ violated: 0, hang: 0 });
  expect(report.totals.states).toBeGreaterThan(500);
  for (const { coverage } of report.windows.slice(1)) expect(coverage[0]!.coverage).toBe('exhaustive');
});

it('what breaks it by being there: all of the window fails as well, so it is said which bytes do it alone', async () => {
  const disk = new Disk(8).store(0, 'fs').flush();
  for (let page = 1; page < 7; page++) disk.store(page * PAGE, `data ${page}`).store(page * PAGE + 2048, Uint8Array.of(page));
  // Never flushed; nobody expected that it could get there.
  const { report } = await run(disk.tick().end(), (image) => {
    if (Buffer.from(image.read(0, 2)).toString() !== 'fs') return { verdict: 'violated', signature: 'no file system' };
    return { verdict: image.read(4 * PAGE + 2048, 1)[0] === 4 ? 'violated' : 'kept', signature: 'a four' };
  }, { from: 'end', units: ['page', 'sector', 'word'] });
  expect(report.failures).toHaveLength(1);
  expect(report.failures[0]!.minimal).toMatchObject({ state: 'end:sector:+4.2', kind: 'only', unit: 'sector', bytes: 1 });
  expect(report.failures[0]!.minimal!.pieces).toMatchObject([{ offset: 4 * PAGE + 2048, length: 8, names: [] }]);
});

it('what a page held for a moment is said with that moment', async () => {
  const disk = new Disk(6).store(0, 'fs').flush();
  disk.store(PAGE, 'half').store(2 * PAGE, 'x').tick().store(PAGE, 'done').store(3 * PAGE, 'y').flush();
  const { report } = await run(disk.end(), (image) => {
    if (Buffer.from(image.read(0, 2)).toString() !== 'fs') return { verdict: 'violated', signature: 'no file system' };
    return { verdict: Buffer.from(image.read(PAGE, 4)).toString() === 'half' ? 'violated' : 'kept', signature: 'half done' };
  }, { from: '2' });
  expect(report.failures[0]!.minimal).toMatchObject({ state: '2:page:-1@1', kind: 'lost', unit: 'page', bytes: 4 });
});

it('two pages that have to be lost together are both in the minimal set', async () => {
  const disk = new Disk(20).store(0, 'fs').flush();
  for (let page = 1; page < 18; page++) disk.store(page * PAGE, `data ${page}`);
  const { report } = await run(disk.flush().end(), (image) => {
    const lost = [3, 11].filter((page) => image.read(page * PAGE, 1)[0] === 0).length;
    return { verdict: lost > 0 || image.read(0, 1)[0] === 0 ? 'violated' : 'kept', signature: lost === 2 ? 'both replicas are gone' : 'one replica is gone' };
  }, { from: '2' });
  expect(report.failures).toHaveLength(2);
  const { minimal } = report.failures.find(({ signature }) => signature === 'both replicas are gone')!;
  // On its way it meets states in which only one is gone: those are not this failure.
  expect(minimal).toMatchObject({ state: '2:page:-3,11', kind: 'lost', unit: 'page' });
  expect(minimal!.checks).toBeLessThanOrEqual(40);
});

it('a failure that says something else is not the same', async () => {
  const disk = new Disk(8).store(0, 'fs').flush();
  for (let page = 1; page < 5; page++) disk.store(page * PAGE, `data ${page}`);
  const { report } = await run(disk.flush().end(), (image) => {
    if (image.read(0, 1)[0] === 0) return { verdict: 'violated', signature: 'no file system' };
    const there = [1, 2, 3, 4].map((page) => image.read(page * PAGE, 1)[0] !== 0);
    return there[0] === true ? { verdict: 'kept' } : { verdict: 'violated', signature: there[1] === true ? 'one is lost' : 'one and two are lost' };
  }, { from: '2', units: ['page'] });
  expect(report.failures.map(({ signature, minimal }) => [signature, minimal!.state])).toEqual(expect.arrayContaining([['one is lost', '2:page:-1'], ['one and two are lost', '2:page:-1-2']]));
});

it('names that cannot be found do not cost the report', async () => {
  const { recording, check } = logWithoutFsync();
  const { report } = await run(recording, check, { from: '2', nameBytes: () => { throw new Error('no such inode'); } });
  expect(report.failures[0]!.minimal!.pieces[0]!.names).toEqual([{ offset: PAGE, length: 8, name: 'no name: no such inode' }]);
});

it('a failure of all states of a window is explained by a later window that ends it', async () => {
  const disk = new Disk(8).store(0, 'fs').flush().store(PAGE, 'hot!').flush().store(2 * PAGE, 'new').flush().mark('acked 1');
  // Durable before the journal is gone: whatever of it is there, the record is rolled back.
  disk.store(5 * PAGE, 'other').flush().store(PAGE, 'cold').flush();
  const { report } = await run(disk.end(), (image, { marks }) => {
    if (Buffer.from(image.read(0, 2)).toString() !== 'fs') return { verdict: 'violated', signature: 'no file system' };
    return { verdict: marks.length > 0 && Buffer.from(image.read(PAGE, 4)).toString() === 'hot!' ? 'violated' : 'kept', signature: 'rolled back' };
  }, { from: '2' });
  expect(report.failures).toHaveLength(1);
  expect(report.failures[0]).toMatchObject({ windows: ['4', '5'], state: '5:page:-1', minimal: { state: '5:page:-1', kind: 'lost', bytes: 3 } });
});
