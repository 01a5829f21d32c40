import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import { fileExtents, RecordingWriter } from '@vpmem/recording';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/vpmem.js', import.meta.url));
const PAGE = 4096;
const SIZE = 16 * 2 ** 20;

/** Takes what the log says into the data, and forgets the log before that is done. */
const HASTY = '#!/bin/sh\ncd "$1" || exit 1\nif [ -e log ]; then mv log pending; sync -f .; : >data; sync -f .; cat pending >data; sync -f .; rm pending; fi\nvalue=$(cat data 2>/dev/null); [ "${value:-0}" -ge "${VPMEM_ACKED:-0}" ] && [ -d lost+found ] || { echo "a value is lost"; exit 1; }\n';

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env.CI === 'true') throw new Error('tests of mounts want root');

describe.skipIf(!isRoot)(`vpmem explore on this host${isRoot ? '' : ' (skipped: it takes root)'}`, () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const vpmem = (...args: string[]): SpawnSyncReturns<string> => spawnSync(process.execPath, [BIN, 'explore', ...args], { encoding: 'utf8', cwd: folder, env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' } });
  const options = ['run.vpmrec', '--mount', 'ext4', '--check', HASTY.slice(HASTY.indexOf('\n') + 1).replaceAll('\n', '; ').replace(/; $/, ''), '--unit', 'page', '--states', '2'];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-second-cut-cli-test-'));
    const [image, before, point] = [path('image'), path('before'), path('mnt')] as const;
    execFileSync('truncate', ['-s', String(SIZE), image]);
    execFileSync('mkfs.ext4', ['-q', '-b', '4096', image]);
    copyFileSync(image, before);
    mkdirSync(point);
    execFileSync('mount', ['-o', 'loop', image, point]);
    const after = path('after');
    try {
      execFileSync('sh', ['-ec', 'echo 1 >data; echo 2 >log; sync -f .'], { cwd: point });
      copyFileSync(image, after);
    } finally {
      execFileSync('umount', [point]);
    }
    const [one, two] = [readFileSync(before), readFileSync(after)];
    const part = (of: Buffer, page: number): Buffer => of.subarray(page * PAGE, (page + 1) * PAGE);
    const changed = Array.from({ length: SIZE / PAGE }, (_, page) => ({ page, before: part(one, page), after: part(two, page) })).filter((page) => !page.before.equals(page.after));
    const writer = RecordingWriter.create(path('run.vpmrec'), { size: SIZE });
    const fd = openSync(before, 'r');
    writer.base(fileExtents(fd, SIZE));
    closeSync(fd);
    writer.flushAsked(1);
    writer.pages('flush', changed);
    writer.flushAnswered(1, 'ok');
    writer.mark('acked 2');
    writer.end();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('finds by a second cut what one does not show, and gives a line that shows it again', () => {
    expect(vpmem(...options).status).toBe(0);
    const { status, stdout, stderr } = vpmem(...options, '--second-cut', 'cuts', '--second-cut-states', '3', '--json', 'out.json', '--junit', 'out.xml', '--html', 'out.html');
    expect(stderr).toMatch(/a second cut, after one at end:none, \d of \d: cuts\/run-end_none\.vpmrec\n/);
    expect(status).toBe(1);
    expect(stdout).toMatch(/a value is lost\n {3}After a power cut at end:none, a second one in recovery/);
    const report = JSON.parse(readFileSync(path('out.json'), 'utf8')) as ExploreReport;
    expect(report.failures).toEqual([]);
    const cut = report.secondCuts?.find(({ state }) => state === 'end:none');
    expect(readdirSync(path('cuts')).toSorted()).toEqual(report.secondCuts?.map(({ file }) => file.slice('cuts/'.length)).toSorted());
    expect(readFileSync(path('out.xml'), 'utf8')).toContain('second cut after end:none');
    const line = cut?.failures[0]?.reproduce ?? '';
    expect(line).toContain("--reproduce 'cuts/run-end_none.vpmrec ");
    const again = spawnSync('sh', ['-c', line.replace(/^vpmem/, `'${process.execPath}' '${BIN}'`)], { encoding: 'utf8', cwd: folder });
    expect([again.status, again.stdout.includes('violated: a value is lost')]).toEqual([1, true]);
  }, 120_000);

  it('asks a checker once about files that are equal', () => {
    const { status, stdout } = vpmem(...options.slice(0, 3), '--check', 'cat "$1"/data; [ -d "$1"/lost+found ]', '--unit', 'page', '--states', '12', '--equal-files', '--json', 'equal.json');
    expect([0, 1]).toContain(status);
    const { totals } = JSON.parse(readFileSync(path('equal.json'), 'utf8')) as ExploreReport;
    expect(totals.pruned.files).toBeGreaterThan(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`of ${totals.pruned.files} checks the files were those of another`);
  }, 120_000);
});
