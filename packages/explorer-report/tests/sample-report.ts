// Reports as real explorations write them: a database on ext4, of any length, and one that a hostile guest had its hands in.
import type { ExploreReport, MinimalSet, ReportedCoverage } from '@vpmem/explorer';
import { reportOf, type SampleFailure, type SampleRun, type SampleWindow } from './sample-run.ts';

export const SUPERBLOCK = 'EXT4-fs (pmem0): VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?';
export const LOST = 'acked: commit 17 was promised, the last one there is 16';
export const MALFORMED = 'sqlite: database disk image is malformed';

export interface SampleOptions {
  readonly flushes?: number;
  readonly seed?: number;
  /** Signatures among which each failing state has one. */
  readonly signatures?: readonly [superblock: string, lost: string, malformed: string];
}

export function sampleReport(options: SampleOptions = {}): ExploreReport {
  return reportOf(sampleRun(options));
}

/** What a run without a failure comes to. */
export function cleanReport(flushes = 40): ExploreReport {
  const run = sampleRun({ flushes });
  return reportOf({ ...run, windows: run.windows.map((window) => ({ ...window, failures: [], verdicts: { ...window.verdicts, kept: window.verdicts.kept + window.failures.length, violated: 0, hang: 0 } })) });
}

export function sampleRun({ flushes = 40, seed = 1, signatures: [superblock, lost, malformed] = [SUPERBLOCK, LOST, MALFORMED] }: SampleOptions = {}): SampleRun {
  const next = chance(seed);
  const names = [...Array.from({ length: flushes }, (_, i) => String(i + 1)), 'end'];
  const marks: { time: number; text: string }[] = [];
  let time = 0;
  const windows = names.map((name, i): SampleWindow => {
    // A second of quiet now and then: a real workload comes in bursts.
    time += Math.round(2000 + next() * 12_000 + (next() < 0.02 ? 400_000 : 0));
    if (i > 2 && i % 2 === 0 && name !== 'end') marks.push({ time, text: `commit ${i / 2} is acknowledged` });
    const pages = Math.min(200, 1 + Math.floor(-Math.log(1 - next() * 0.999) * 4));
    const isMount = i === 2 || i === flushes - 1;
    const failures: SampleFailure[] = [];
    if (isMount) failures.push(...['-1.2', '+1.2'].map((choice) => superblockTear(`${name}:sector:${choice}`, superblock)));
    else if (i > 4 && i % 7 === 5) failures.push(...[1, 2, 3].slice(0, 1 + (i % 3)).map((page) => lostCommit(`${name}:page:-${page}`, lost, marks.slice(-20).map(({ text }) => text))));
    else if (i % 31 === 23) failures.push(tornHeader(`${name}:word:-2.${1 + (i % 4)}`, malformed), { ...hung(`${name}:random:line:${i}`), marks: marks.slice(-20).map(({ text }) => text) });
    const skipped = i < 2;
    const coverage = (['page', 'sector'] as const).map((unit): ReportedCoverage => {
      const units = unit === 'page' ? pages : pages * (1 + (i % 4));
      const possible = units <= 52 ? { possible: 2 ** units } : {};
      if (skipped) return { unit, units, ...possible, known: 0, checks: 0, coverage: 'skipped' };
      const exhaustive = units <= 7;
      const known = exhaustive ? 2 ** units : 64;
      return { unit, units, ...possible, known, checks: Math.ceil(known * 0.3), coverage: exhaustive ? 'exhaustive' : 'sampled' };
    });
    const known = coverage.reduce((sum, each) => sum + each.known, 0);
    const checks = coverage.reduce((sum, each) => sum + each.checks, 0);
    const hangs = failures.filter(({ verdict }) => verdict === 'hang').length;
    return {
      name, time, pages, coverage, failures, checks,
      status: name === 'end' ? 'open' : i % 97 === 96 ? 'failed' : 'ok',
      marks: marks.length,
      verdicts: { kept: Math.max(0, known - failures.length), violated: failures.length - hangs, inapplicable: 0, hang: hangs, broken: 0 },
      pruned: { content: Math.floor(known * 0.4), reads: Math.floor(known * 0.3) },
      seconds: checks / 64,
    };
  });
  return {
    recording: { file: 'run.vpmrec', id: '6f1d0c59a2b34e7788d01c2e4f5a6b7c', size: 256 * 2 ** 20, flushes, duration: time, complete: true },
    options: { mount: 'ext4', check: './check.sh', where: 'host', units: ['page', 'sector'], from: '3', seed: 7, states: 64 },
    model: [
      { unit: 'page', text: 'A disk that writes 4096 bytes at once or not at all: of what was volatile, each page is there or is not, in any combination.' },
      { unit: 'sector', text: 'A disk that loses its power while a page is on its way: each 512 bytes are there or are not, in any combination.' },
    ],
    marks,
    windows,
  };
}

function superblockTear(state: string, signature: string): SampleFailure {
  const before = '00'.repeat(60) + '5b9e02c1';
  const minimal: MinimalSet = {
    state, unit: 'sector', bytes: 4, checks: 6, kind: state.includes('-') ? 'lost' : 'only',
    pieces: [{ offset: 0x600, length: 512, shown: 0x7c0, before, after: '00'.repeat(60) + 'e71d443a', names: [{ name: 'ext4 superblock: checksum', offset: 0x7fc, length: 4 }] }],
  };
  const output = `mount: /tmp/vpmem-mnt: wrong fs type, bad option, bad superblock on /dev/loop0\n${signature}\n`;
  return { signature, step: 'mount', verdict: 'violated', unit: 'sector', state, output, marks: [], reproduce: reproduction(state), minimal };
}

function lostCommit(state: string, signature: string, marks: readonly string[]): SampleFailure {
  const minimal: MinimalSet = {
    state, unit: 'page', bytes: 127, checks: 31, kind: 'lost',
    pieces: [
      { offset: 0x841000, length: 4096, shown: 0x841000, before: '00'.repeat(64), after: 'c03b3998000000020000000c' + '00'.repeat(36) + '674c1a0b00000000000000003f1177e2', names: [{ name: 'ext4 journal: commit block of transaction 12', offset: 0x841000, length: 4096 }] },
      {
        offset: 0x2003000, length: 8192, shown: 0x2003040, before: '0c00000014000c01' + '64622e73716c6974652d6a6f75726e616c' + '00'.repeat(39), after: '0c00000014000c01' + '00'.repeat(56),
        names: [{ name: 'ext4 directory block of /', path: '/', fileOffset: 0, offset: 0x2003000, length: 4096 }, { name: '/db.sqlite-journal at 0: SQLite rollback journal, header', path: '/db.sqlite-journal', fileOffset: 0, offset: 0x2004000, length: 4096 }],
      },
    ],
  };
  return { signature, step: 'check', verdict: 'violated', unit: 'page', state, output: `integrity_check: ok\n${signature}\n`, marks, reproduce: reproduction(state), minimal };
}

function tornHeader(state: string, signature: string): SampleFailure {
  const minimal: MinimalSet = {
    state, unit: 'word', bytes: 8, checks: 44, kind: 'lost',
    pieces: [{ offset: 0x1204008, length: 8, shown: 0x1204000, before: 'd9d505f920a163d70000000300000000'.padEnd(128, '1'), after: 'd9d505f920a163d70000000000000000'.padEnd(128, '1'), names: [{ name: '/db.sqlite-journal at 8: SQLite rollback journal, header', path: '/db.sqlite-journal', fileOffset: 8, offset: 0x1204008, length: 8 }] }],
  };
  return { signature, step: 'check', verdict: 'violated', unit: 'word', state, output: `Error: in prepare, ${signature}\n`, marks: [], reproduce: reproduction(state), minimal };
}

function hung(state: string): SampleFailure {
  return { signature: '', step: 'mount', verdict: 'hang', unit: 'line', state, output: '', marks: [], reproduce: reproduction(state) };
}

function reproduction(state: string): string {
  return `vpmem explore --reproduce 'run.vpmrec ${state}' --mount ext4 --check ./check.sh`;
}

/** 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
