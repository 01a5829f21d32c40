import { expect, it } from 'vitest';
import { PAGE } from '../tests/disk.ts';
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
