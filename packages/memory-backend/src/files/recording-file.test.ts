import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileBackendOptions } from '../backend-options.ts';
import { abandonBackend, closeBackend, openBackend } from '../open-backend.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = (besides: Partial<FileBackendOptions>): FileBackendOptions => ({ type: 'memory-backend-file', id: 'mem1', memPath: join(folder, 'disk.img'), size: 8192, share: true, ...besides });

describe('the file of record=', () => {
  it('is there while its backend is, keeps apart what is durable, and goes with it if nobody has written to it', async () => {
    const record = join(folder, 'run.vpmrec');
    const backend = await openBackend(options({ record, recordInterval: 5 }));
    expect(backend).toMatchObject({ recording: { path: record, interval: 5 }, medium: { offset: 0 } });
    expect(existsSync(record)).toBe(true);
    closeBackend(backend);
    expect(readdirSync(folder)).toEqual(['disk.img']);
  });

  it('stays if something is in it', async () => {
    const record = join(folder, 'run.vpmrec');
    const backend = await openBackend(options({ record }));
    writeSync(backend.recording?.fd ?? -1, 'recorded');
    closeBackend(backend);
    expect(readFileSync(record, 'utf8')).toBe('recorded');
  });

  it('goes with a backend that is given up, whatever is in it', async () => {
    const backend = await openBackend(options({ record: join(folder, 'run.vpmrec') }));
    writeSync(backend.recording?.fd ?? -1, 'recorded');
    abandonBackend(backend);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each<[what: string, besides: Partial<FileBackendOptions>, property: string, message: RegExp]>([
    ['is there already', { record: 'taken' }, 'record', /^memory backend 'mem1': record '.*\/taken': there is such a file already; a recording goes into a new one$/],
    ['is to be in a folder that is not there', { record: 'no/run.vpmrec' }, 'record', /^memory backend 'mem1': record '.*\/no\/run.vpmrec': it cannot be made: ENOENT/],
    ['has no name', { record: '' }, 'record', /^memory backend 'mem1': record is empty; it names the file to make$/],
    ['is the disk itself', { record: 'disk.img' }, 'record', /there is such a file already/],
    ['is of a private copy', { record: 'run.vpmrec', share: false }, 'record', /^memory backend 'mem1': record= is for files that are written to: it needs share=on/],
    ['is of what is only read', { record: 'run.vpmrec', readonly: true }, 'record', /^memory backend 'mem1': record= is for files that are written to: readonly=on/],
    ['is looked at too seldom', { record: 'run.vpmrec', recordInterval: 86_400_001 }, 'record-interval', /record-interval 86400001 is no number of milliseconds from 1 to 86400000$/],
    ['there is none, and an interval', { recordInterval: 5, powerFailure: true }, 'record-interval', /^memory backend 'mem1': record-interval is about a recording; say into which file with record=$/],
    ['there is none, and a tracker', { pageTracker: 'uffd' }, 'page-tracker', /^memory backend 'mem1': page-tracker is about power-failure=on/],
  ])('is refused where it %s, and nothing is left', async (_, besides, property, message) => {
    writeFileSync(join(folder, 'taken'), 'precious');
    const given = options({ ...besides, ...(besides.record !== undefined && besides.record !== '' && { record: join(folder, besides.record) }) });
    await expect(openBackend(given)).rejects.toMatchObject({ name: 'BackendError', property, message: expect.stringMatching(message) as string });
    expect(readdirSync(folder)).toEqual(['taken']);
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe('precious');
    const backend = await openBackend(options({ record: join(folder, 'run.vpmrec') }));
    closeBackend(backend);
  });
});
