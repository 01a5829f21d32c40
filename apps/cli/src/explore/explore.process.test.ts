import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import { RecordingWriter } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { vpmemHere } from '../../tests/vpmem-here.ts';

const BIN = fileURLToPath(new URL('../../bin/vpmem.js', import.meta.url));
const PAGE = 4096;
const PAGES = 8;
const FLUSHES = 4;

/** A log: how many records there are in the first byte of page 0, record N in page N. What was acknowledged has to be counted, what is counted has to be there. */
const CHECKER = `#!/bin/sh
count=$(od -An -tu1 -N1 "$1" | tr -d ' ')
[ "$count" -ge "\${VPMEM_ACKED:-0}" ] || { echo "$count of $VPMEM_ACKED"; echo 'acknowledged and lost'; exit 1; }
for i in $(seq "$count"); do
  [ "$(dd if="$1" bs=4096 skip="$i" count=1 2> /dev/null | head -c 6)" = RECORD ] || { echo "record $i"; echo 'counted and not there'; exit 1; }
done
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-explore-test-'));
  writeFileSync(path('check.sh'), CHECKER);
  chmodSync(path('check.sh'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);
const vpmem = (...args: string[]): SpawnSyncReturns<string> => spawnSync(process.execPath, [BIN, 'explore', ...args], { encoding: 'utf8', cwd: folder, env: { ...process.env, TMPDIR: folder, NO_COLOR: '1' } });
const report = (name: string): ExploreReport => JSON.parse(readFileSync(path(name), 'utf8')) as ExploreReport;

/** One flush for record and header together, which is the mistake; without it, one for each. */
function record({ mistake = true, marks = true } = {}): void {
  const disk = new Uint8Array(PAGES * PAGE);
  const durable = disk.slice();
  const writer = RecordingWriter.create(path('run.vpmrec'), { size: disk.length });
  writer.base([]);
  let flushes = 0;
  const flush = (...pages: number[]): void => {
    const of = (bytes: Uint8Array, page: number): Uint8Array => bytes.slice(page * PAGE, (page + 1) * PAGE);
    writer.flushAsked(++flushes);
    writer.pages('flush', pages.map((page) => ({ page, before: of(durable, page), after: of(disk, page) })));
    durable.set(disk);
    writer.flushAnswered(flushes, 'ok');
  };
  for (let number = 1; number <= FLUSHES; number++) {
    disk.set(Buffer.from(`RECORD ${number}`), number * PAGE);
    if (!mistake) flush(number);
    disk[0] = number;
    if (mistake) flush(0, number);
    else flush(0);
    if (marks) writer.mark(`acked ${number}`);
  }
  writer.end();
}

describe('vpmem explore', () => {
  it('finds the mistake, makes it minimal, and gives a line that shows it again, with the same bytes', () => {
    record();
    const { status, stdout } = vpmem('run.vpmrec', '--check', './check.sh', '--json', 'out.json', '--junit', 'out.xml', '--html', 'out.html');
    expect(status).toBe(1);
    expect(stdout).toContain('counted and not there');
    const { failures, options, recording, ended } = report('out.json');
    expect({ options, ended, flushes: recording.flushes }).toMatchObject({ options: { check: './check.sh', where: 'image', mount: 'none', units: ['page', 'sector'], seed: 1 }, ended: 'complete', flushes: FLUSHES });
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ signature: 'counted and not there', step: 'check', verdict: 'violated', unit: 'page', minimal: { kind: 'lost', bytes: 8, pieces: [{ offset: PAGE }] } });
    expect(readFileSync(path('out.xml'), 'utf8')).toContain('counted and not there');
    expect(readFileSync(path('out.html'), 'utf8')).toContain('counted and not there');

    const line = failures[0]?.reproduce ?? '';
    expect(line).toBe(`vpmem explore --reproduce 'run.vpmrec ${failures[0]?.state}' --check ./check.sh --where image`);
    const again = spawnSync('sh', ['-c', line.replace(/^vpmem/, `'${process.execPath}' '${BIN}'`)], { encoding: 'utf8', cwd: folder });
    expect(again.status).toBe(1);
    expect(again.stdout).toMatch(/^run\.vpmrec 1:page:-2: violated: counted and not there\nimage {4}sha256 [0-9a-f]{64}\npromised nothing\noutput\n {2}record 1\n/);
    const image = spawnSync(process.execPath, [BIN, 'recording', 'image', 'run.vpmrec', '--state', failures[0]?.state ?? '', '-o', 'left.img'], { cwd: folder });
    expect(image.status).toBe(0);
    expect(spawnSync('sha256sum', ['left.img'], { encoding: 'utf8', cwd: folder }).stdout.slice(0, 64)).toBe(/sha256 (\S+)/.exec(again.stdout)?.[1]);
  });

  it('finds nothing where an fsync lies between, with each unit', () => {
    record({ mistake: false });
    const { status, stdout } = vpmem('run.vpmrec', '--check', './check.sh', '--unit', 'page,sector,line,word');
    expect(stdout).toMatch(/nothing .*violated|kept/);
    expect(status).toBe(0);
  });

  it('says the same in shards, once they are merged, and with more jobs', () => {
    record();
    // What a run says of itself: how long it took, and how it was parted.
    const plain = (name: string): unknown => JSON.parse(JSON.stringify(report(name), (key, value: unknown) => (key === 'seconds' ? 0 : value)));
    vpmem('run.vpmrec', '--check', './check.sh', '--json', 'whole.json');
    vpmem('run.vpmrec', '--check', './check.sh', '--jobs', '3', '--json', 'jobs.json');
    expect(plain('jobs.json')).toEqual(plain('whole.json'));
    for (const index of [1, 2, 3]) expect(vpmem('run.vpmrec', '--check', './check.sh', '--shard', `${index}/3`, '--json', `${index}.json`).status).toBe(1);
    expect(vpmem('--merge', '3.json', '1.json').stderr).toBe('vpmem explore: shard 2 of 3 is missing\n');
    expect(vpmem('--merge', '3.json', '1.json', '2.json', '--json', 'merged.json').status).toBe(1);
    const [merged, whole] = [report('merged.json'), report('whole.json')];
    expect(merged.windows).toEqual(whole.windows);
    expect(merged.failures.map(({ signature, count, windows }) => ({ signature, count, windows }))).toEqual(whole.failures.map(({ signature, count, windows }) => ({ signature, count, windows })));
    expect(merged.totals.states).toBe(whole.totals.states);
  });

  it('ends by SIGINT with 130, and leaves neither a process nor a file', async () => {
    record();
    writeFileSync(path('slow.sh'), `#!/bin/sh\n: > ${path('begun')}\nsleep 600\n`);
    chmodSync(path('slow.sh'), 0o755);
    const child = spawn(process.execPath, [BIN, 'explore', 'run.vpmrec', '--check', './slow.sh', '--json', 'out.json'], { cwd: folder, env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close') as Promise<[number | null]>;
    while (!existsSync(path('begun'))) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    // What was known until then is told.
    expect(report('out.json')).toMatchObject({ ended: 'interrupted', totals: { states: 0 } });
    expect(spawnSync('pgrep', ['-f', path('slow.sh')]).status).toBe(1);
    expect(readdirSync(folder).filter((name) => name.startsWith('vpmem')).flatMap((name) => readdirSync(path(name)))).toEqual([]);
  });
});

describe('vpmem explore --demo', () => {
  it('needs nothing, finds the mistake and its bytes, and none without it', () => {
    const { status, stdout, stderr } = vpmem('--demo', '--html', 'demo.html');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/the header counts a record that is not there[\s\S]*8 bytes: log record 1\n[\s\S]*With an fsync between record and header: \d+ states, none violated/);
    expect(status).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(['check.sh', 'demo.html']);
  });
});

describe('what is wrong', () => {
  it('ends a process as it ends a call', () => {
    const { status, stdout, stderr } = vpmem('--check', './check.sh');
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^vpmem explore: which recording\? [^\n]*\n$/)]);
  });

  const check = ['run.vpmrec', '--check', './check.sh'];
  it.each<[string, string[], RegExp]>([
    ['no recording', ['--check', './check.sh'], /^which recording\? vpmem explore FILE --check PROGRAM/],
    ['two', [...check, 'other.vpmrec'], /^one recording at a time; 'other.vpmrec' is one too many$/],
    ['one that is not there', ['none.vpmrec', '--check', './check.sh'], /^ENOENT.*none\.vpmrec/],
    ['one that is none', ['check.sh', '--check', './check.sh'], /^check\.sh: /],
    ['no checker', ['run.vpmrec'], /^--check is missing: a program that looks at the disk/],
    ['an empty checker', ['run.vpmrec', '--check', ' '], /^the checker is empty/],
    ['a checker that is not there', ['run.vpmrec', '--check', './none.sh'], /^checker \.\/none\.sh: there is no such file$/],
    ['one that cannot be run', ['run.vpmrec', '--check', './run.vpmrec'], /^checker \.\/run\.vpmrec: the file cannot be run; chmod \+x makes it a program$/],
    ['one that always passes', ['run.vpmrec', '--check', 'true'], /says kept of a disk that holds nothing.*it proves nothing$/],
    ['one that never passes', ['run.vpmrec', '--check', 'false'], /says violated .*of flush 4 with nothing lost.*it proves nothing$/],
    ['one that is broken', ['run.vpmrec', '--check', 'echo no disk today; exit 125'], /could not do its work at 4:all: no disk today/],
    ['one that no shell finds', ['run.vpmrec', '--check', 'no-such-program'], /could not do its work at 4:all/],
    ['one that hangs', ['run.vpmrec', '--check', 'sleep 600; true', '--timeout', '200ms'], /says hang .*of flush 4/],
    ['numbers where none were acknowledged', ['bare.vpmrec', '--check', 'acked:/log', '--mount', 'ext4'], /compares with the number acknowledged last, and the recording has no marks/],
    ['files without a mount', ['run.vpmrec', '--check', 'acked:/log', '--where', 'image'], /looks at files: --mount wants the name of the file system/],
    ['a mount that is none', [...check, '--where', 'host'], /^--where host mounts the disk: --mount wants the name/],
    ['an image that is mounted', [...check, '--where', 'image', '--mount', 'ext4'], /^--where image mounts nothing, and --mount ext4 wants that/],
    ['nowhere', [...check, '--where', 'moon'], /^--where moon: there is image, host, guest$/],
    ['no time', [...check, '--budget', '0'], /^--budget 0: in no time nothing can be checked/],
    ['a time that is none', [...check, '--budget', 'soon'], /^--budget soon: not a time; write it like 60s, 10m or 2h$/],
    ['shard 3 of 2', [...check, '--shard', '3/2'], /^--shard 3\/2: of 2 there are shards 1 to 2$/],
    ['shard 0', [...check, '--shard', '0/2'], /^--shard 0\/2: of 2 there are shards 1 to 2$/],
    ['half a shard', [...check, '--shard', '2'], /^--shard 2: write it like 3\/16/],
    ['no job', [...check, '--jobs', '0'], /^--jobs 0: not an integer from 1 to 64$/],
    ['a seed that is too large', [...check, '--seed', '4294967296'], /^--seed 4294967296: not an integer from 0 to 4294967295$/],
    ['no state', [...check, '--states', '0'], /^--states 0: not an integer/],
    ['a unit that is none', [...check, '--unit', 'page,bit'], /^--unit page,bit: there is no unit 'bit'; there are page, sector, line, word/],
    ['a beginning that is none', [...check, '--from', 'dawn'], /neither a window nor a mark 'dawn'; windows are 1, 2 to 4, end, marks begin with 'acked 1'/],
    ['a report in no folder', [...check, '--json', 'none/out.json'], /^--json none\/out\.json: it cannot be written \(ENOENT\)$/],
    ['a report in place of a folder', [...check, '--html', '.'], /^--html \.: it is a folder; a file is wanted$/],
    ['a package for nobody', [...check, '--package', 'sqlite3'], /^--package is for --where guest/],
    ['options that nobody hears', [...check, '--mount-options', 'ro'], /^--mount-options: nothing is mounted/],
    ['a state that there is not', ['--reproduce', 'run.vpmrec 41:page:-3', '--check', './check.sh'], /^there is no flush 41 in the recording; there is 4 of them, 1 to 4$/],
    ['half of what to show again', ['--reproduce', 'run.vpmrec', '--check', './check.sh'], /^--reproduce run\.vpmrec: a file and a state are wanted/],
    ['nothing to merge', ['--merge'], /^--merge wants the JSON reports of all shards$/],
    ['a report that is none', ['--merge', 'check.sh'], /check\.sh/],
    ['a second cut of an image', [...check, '--second-cut', 'cuts'], /^--second-cut is for --where host; with --where image nobody sees what recovery writes$/],
    ['a second cut in a guest', [...check, '--mount', 'ext4', '--where', 'guest', '--second-cut', 'cuts'], /^--second-cut is for --where host; with --where guest nobody/],
    ['a second cut in a file', [...check, '--mount', 'ext4', '--where', 'host', '--second-cut', 'check.sh'], /^--second-cut check\.sh: it cannot be written to \(EEXIST\); a folder is wanted$/],
    ['a second cut in nothing', [...check, '--mount', 'ext4', '--where', 'host', '--second-cut', ''], /^--second-cut: the name of a folder is missing/],
    ['states of no second cut', [...check, '--second-cut-states', '3'], /^--second-cut-states goes with --second-cut FOLDER$/],
    ['a second cut of no state', [...check, '--mount', 'ext4', '--where', 'host', '--second-cut', 'cuts', '--second-cut-states', '0'], /^--second-cut-states 0: not an integer from 1 to 10000$/],
    ['a second cut of one state', ['--reproduce', 'run.vpmrec 1', '--check', './check.sh', '--second-cut', 'cuts'], /^--second-cut does not go with --reproduce$/],
    ['equal files of an image', [...check, '--equal-files'], /^--equal-files is for --where host; with --where image nobody looks at the files beforehand$/],
    ['equal files of a disk', ['run.vpmrec', '--check', 'ext4', '--where', 'host', '--equal-files'], /^--equal-files is for programs that look at files; --check ext4 looks at the disk$/],
    ['equal files of one state', ['--reproduce', 'run.vpmrec 1', '--check', './check.sh', '--equal-files'], /^--equal-files does not go with --reproduce$/],
    ['two forms at once', ['--merge', 'a.json', '--check', './check.sh'], /^--check does not go with --merge$/],
    ['a demonstration of a file', ['--demo', 'run.vpmrec'], /^--demo makes its own recording; leave 'run\.vpmrec' away$/],
  ])('%s: one line, status 2, and no report', async (_, args, message) => {
    record();
    const runs = readFileSync(path('run.vpmrec'));
    rmSync(path('run.vpmrec'));
    record({ marks: false });
    writeFileSync(path('bare.vpmrec'), readFileSync(path('run.vpmrec')));
    writeFileSync(path('run.vpmrec'), runs);
    const { status, stdout, stderr } = await vpmemHere(['explore', ...args], { cwd: folder, env: { TMPDIR: folder, NO_COLOR: '1' } });
    const lines = stderr.split('\n').filter((line) => line.startsWith('vpmem explore: '));
    expect({ status, stdout, lines: lines.length }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(lines[0]?.replace('vpmem explore: ', '')).toMatch(message);
    expect(readdirSync(folder).filter((name) => /json|xml|html|cuts/.test(name))).toEqual([]);
  });
});
