import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterNode, closeBackend, fileSyncer, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { Mapping, writeSpan } from '@vpmem/native';
import { TRACKERS, withTracker } from '@vpmem/simulated-medium/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PmemBacking, putMark } from './pmem-backing.ts';

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
