// How many states a second are explored: a database on ext4 and on XFS, recorded in a guest; each state mounted and checked, by all of it that is real.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import { preparePackages, startGuest, type Testbed } from '@vpmem/testbed';
import { short } from './statistics.ts';

const MAIN = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const COMMITS = 12;
/** Of each run, beside what it takes to begin. */
const BUDGET = '30s';
const DISKS = [
  { id: 'ext4', size: '64M', mkfs: 'mkfs.ext4 -q -b 4096' },
  { id: 'xfs', size: '320M', mkfs: 'mkfs.xfs -q' },
] as const;
const SQLITE = ['--check', 'sqlite:db:select max(n) from t'];
const RUNS = [
  { what: 'ext4 on the host, SQLite', wanted: 100, disk: 'ext4', args: ['--mount', 'ext4', '--where', 'host', '--jobs', '2', ...SQLITE] },
  { what: 'XFS on the host, SQLite', wanted: 40, disk: 'xfs', args: ['--mount', 'xfs', '--where', 'host', '--jobs', '2', ...SQLITE] },
  { what: 'ext4 in a guest, SQLite', wanted: 20, disk: 'ext4', args: ['--mount', 'ext4', '--where', 'guest', ...SQLITE] },
  { what: 'the image only, a worker', wanted: 300, disk: 'ext4', args: ['--where', 'image', '--worker', '--check', './worker.mjs'] },
] as const;
/** Says of each image whether it begins as an ext4 does: nearly nothing, so that all the rest is what is measured. */
const WORKER = `#!/usr/bin/env node
import { openSync, readSync, closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
const magic = Buffer.alloc(2);
for await (const line of createInterface({ input: process.stdin })) {
  const fd = openSync(JSON.parse(line).image, 'r');
  readSync(fd, magic, 0, 2, 1024 + 56);
  closeSync(fd);
  console.log(JSON.stringify({ status: magic.readUInt16LE() === 0xef53 ? 0 : 1 }));
}
`;

export interface ExploringResult {
  readonly what: string;
  readonly checks: number;
  readonly seconds: number;
  readonly wanted: number;
}

/** Takes root for the host's runs. Measures in `folder`. */
export async function measureExploring(testbed: Testbed, folder: string): Promise<ExploringResult[]> {
  const place = mkdtempSync(join(folder, 'exploring-'));
  try {
    await record(testbed, place);
    writeFileSync(join(place, 'worker.mjs'), WORKER);
    chmodSync(join(place, 'worker.mjs'), 0o755);
    return RUNS.map(({ what, wanted, disk, args }) => {
      const json = join(place, 'out.json');
      const run = spawnSync(process.execPath, [MAIN, 'explore', `rec/${disk}.vpmrec`, '--from', 'begin', '--budget', BUDGET, '--json', json, ...args], { cwd: place, encoding: 'utf8' });
      if (run.status !== 0 && run.status !== 1) throw new Error(`${what}: ${run.stderr}`);
      const { totals } = JSON.parse(readFileSync(json, 'utf8')) as ExploreReport;
      return { what, checks: totals.checks, seconds: totals.seconds, wanted };
    });
  } finally {
    rmSync(place, { recursive: true });
  }
}

export function exploringTable(results: readonly ExploringResult[]): string {
  const rows = results.map(({ what, checks, seconds, wanted }) => `| ${what} | ${checks} | ${short(checks / seconds)} | ${wanted} |`);
  return ['| states checked | checks | a second | wanted |', '| --- | ---: | ---: | ---: |', ...rows].join('\n');
}

async function record(testbed: Testbed, place: string): Promise<void> {
  const packages = await preparePackages('sqlite-1', ['sqlite3']);
  const pmem = DISKS.flatMap(({ id, size }) => ['-object', `memory-backend-file,id=m-${id},mem-path=${join(place, id)},size=${size},share=on`, '-device', `virtio-pmem-pci,id=${id},memdev=m-${id}`]);
  const guest = await startGuest({
    testbed,
    ram: [],
    tools: ['xfs'],
    programs: [{ packages, path: 'usr/bin/sqlite3' }],
    qemuArgs: [...pmem, '-object', 'memory-backend-ram,id=marks,size=2M', '-device', 'virtio-pmem-pci,memdev=marks,marks=on'],
    command: (line) => [process.execPath, MAIN, 'qemu', '--record', join(place, 'rec'), '--qemu', testbed.qemuWrapper, '--', ...line.slice(1)],
  });
  const mark = (text: string): string => `echo ${text} > /dev/pmem2 && sync /dev/pmem2`;
  try {
    await guest.sh('wait-for /dev/pmem2');
    for (const [i, { mkfs }] of DISKS.entries()) await guest.sh(`${mkfs} /dev/pmem${i} && mkdir /mnt/${i} && mount -o dax=always /dev/pmem${i} /mnt/${i}`);
    for (const i of DISKS.keys()) await guest.sh(`sqlite3 /mnt/${i}/db 'create table t(n integer primary key, x blob)' && sync`);
    await guest.sh(mark('begin'));
    const commits = Array.from({ length: COMMITS }, (_, n) => DISKS.map((_, i) => `sqlite3 /mnt/${i}/db 'pragma synchronous=extra; insert into t values(${n + 1}, randomblob(900))'`).join(' && ') + ` && ${mark(`acked ${n + 1}`)}`);
    await guest.sh(commits.join('\n'), { timeout: 120_000 });
    await guest.powerOff();
  } finally {
    await guest.stop();
  }
}
