// vpmem compare as whoever types it sees it, with the guest that is part of the program. Linux guests are in packages/compare/tests.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompareReport } from '@vpmem/compare';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PATIENCE = 400_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-compare-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function compare(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'compare', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, TMPDIR: folder, FORCE_COLOR: '1' }, timeout: PATIENCE });
  return { status, stdout, stderr };
}

describe('vpmem compare', { timeout: PATIENCE }, () => {
  it('shows what each device has left, in 80 columns, and leaves nothing', () => {
    const { status, stdout, stderr } = compare();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const rows = stdout.split('\n\n')[1]?.split('\n').map((line) => line.trim().split(/\s+/));
    expect(rows).toEqual([
      ['WORKLOAD', 'DEVICE', 'STORED', 'FSYNCED', 'BELIEVED', 'WHOLE', 'TORN', 'LOST'],
      ['stores', 'virtio-pmem', '16', '0', '16', '0', '0', '16', 'a'],
      ['nvdimm', '16', '0', '16', '0', '0', '16', 'c'],
      ['stores-fsync', 'virtio-pmem', '16', '16', '16', '16', '0', '0', 'b'],
      ['nvdimm', '16', '16', '16', '0', '0', '16', 'c'],
      ['log', 'virtio-pmem', '16', '0', '16', '0', '0', '16', 'a'],
      ['nvdimm', '16', '0', '16', '0', '0', '16', 'c'],
      ['log-fsync', 'virtio-pmem', '16', '15', '15', '15', '0', '1', 'b'],
      ['nvdimm', '16', '15', '15', '0', '0', '16', 'c'],
      ['torn', 'virtio-pmem', '16', '15', '15', '15', '1', '0', 'b'],
      ['nvdimm', '16', '15', '15', '0', '16', '0', 'c'],
      ['torn-checksum', 'virtio-pmem', '16', '15', '15', '15', '1', '0', 'b'],
      ['nvdimm', '16', '15', '15', '0', '16', '0', 'c'],
      ['MAP_SYNC', 'only', 'a', 'Linux', 'guest', 'can', 'say:', 'vpmem', 'compare', '--qemu'],
    ]);
    expect(stdout).toContain('virtio-pmem: of 61 records that an fsync was answered for, 61 are there.\n');
    expect(stdout).toContain('nvdimm: of 61 records that an fsync was answered for, 0 are there.\n');
    expect(stdout.replaceAll('\n', ' ')).toContain('torn on virtio-pmem: whoever reads the log takes 16 records for whole, and 1 of them is not.');
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\u001b');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has all of it as JSON, the same for the same seed', () => {
    const args = ['--json', '--survivors', 'random', '--granularity', 'sector', '--seed', '99', '--workload', 'stores', 'log-fsync'];
    const { status, stdout, stderr } = compare(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(stdout) as CompareReport;
    expect(report).toMatchObject({ kind: 'vpmem-compare', version: 1, guest: { kind: 'embedded' }, seed: 99, rounds: 1, size: 4 * 2 ** 20, mapSync: { asked: false }, broken: [] });
    expect(report.workloads.map(({ name }) => name)).toEqual(['stores', 'log-fsync']);
    expect(report.outcomes.map(({ workload, device, survival }) => [workload, device, survival])).toEqual(
      ['stores', 'log-fsync'].flatMap((name) => ['virtio-pmem', 'nvdimm'].map((device) => [name, device, { survivors: 'random', granularity: 'sector', seed: 99 }])),
    );
    // About one half of each survives, and of plain stores the same on both devices.
    expect(report.outcomes[0]?.pages.after).toMatch(/^[#~x]{48}\.{16}$/);
    expect(report.outcomes[0]?.pages.after).toBe(report.outcomes[1]?.pages.after);
    expect(compare(...args).stdout).toBe(stdout);
  });

  it('keeps what is on each disk, if told where', () => {
    expect(compare('--workload', 'stores-fsync', '--keep', 'kept', '--size', '6M').status).toBe(0);
    expect(readdirSync(join(folder, 'kept')).sort()).toEqual(['stores-fsync-nvdimm.img', 'stores-fsync-virtio-pmem.img']);
    const [pmem, nvdimm] = ['virtio-pmem', 'nvdimm'].map((device) => readFileSync(join(folder, `kept/stores-fsync-${device}.img`)));
    expect(nvdimm?.equals(Buffer.alloc(6 * 2 ** 20))).toBe(true);
    expect(pmem?.subarray(0, 16 * 12288).every((byte, i) => byte === 0x41 + Math.floor(i / 12288))).toBe(true);
    expect(compare('--workload', 'stores-fsync', '--keep', 'kept')).toEqual({ status: 1, stdout: '', stderr: 'vpmem compare: --keep kept: there is a file stores-fsync-virtio-pmem.img already; choose a folder without it\n' });
  });

  it('does it as often as it is told, and says so', () => {
    const { status, stdout, stderr } = compare('--rounds', '3', '--workload', 'log-fsync');
    expect(status).toBe(0);
    expect(stderr.split('\n').slice(0, 3)).toEqual(Array.from({ length: 3 }, (_, i) => expect.stringMatching(new RegExp(`^vpmem compare: round ${i + 1} of 3: virtio-pmem 15 of 15 `)) as string));
    expect(stdout).toContain('virtio-pmem: of 45 records that an fsync was answered for, 45 are there.');
  });

  it('leaves nothing when it is interrupted', async () => {
    const child = spawn(process.execPath, [MAIN, 'compare', '--rounds', '500', '--json'], { cwd: folder, env: { ...process.env, TMPDIR: folder } });
    const exited = once(child, 'exit');
    const signal = AbortSignal.timeout(PATIENCE);
    await once(child.stderr, 'data', { signal });
    expect(readdirSync(folder)).not.toEqual([]);
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has colours at a terminal, unless NO_COLOR says not to', () => {
    const shown = (env: NodeJS.ProcessEnv): string =>
      spawnSync('script', ['-qefc', `${process.execPath} ${MAIN} compare --workload log-fsync`, '/dev/null'], { cwd: folder, encoding: 'utf8', env: { ...process.env, TMPDIR: folder, ...env }, timeout: PATIENCE }).stdout;
    expect(shown({ NO_COLOR: '' })).toContain('\u001b[31m');
    expect(shown({ NO_COLOR: '1' })).not.toContain('\u001b[');
  });
});

describe('mistakes end with a line that names the option, exit 1, and nothing half-made', () => {
  it('a workload that is not there', () => {
    expect(compare('--workload', 'stores', 'tron')).toEqual({ status: 1, stdout: '', stderr: 'vpmem compare: --workload tron: did you mean torn? there is stores, stores-fsync, log, log-fsync, torn, torn-checksum, page-cache\n' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is one line too where no QEMU can be had', () => {
    const env = { ...process.env, TMPDIR: folder, VPMEM_QEMU: '/no/such/qemu', VPMEM_TESTBED_CACHE: join(folder, 'cache') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'compare', '--qemu'], { encoding: 'utf8', env, timeout: PATIENCE });
    expect([status, stdout, stderr]).toEqual([1, '', 'vpmem compare: VPMEM_QEMU=/no/such/qemu: not a QEMU\n']);
    expect(existsSync(join(folder, 'cache')) && statSync(join(folder, 'cache')).isFile()).toBe(false);
  });

  it('has help', () => {
    const { status, stdout } = compare('-h');
    expect(status).toBe(0);
    for (const option of ['--qemu', '--workload', '--seed', '--survivors', '--granularity', '--rounds', '--size', '--keep', '--json']) expect(stdout).toContain(option);
  });
});
