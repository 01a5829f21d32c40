// The command line as whoever types it sees it. What needs a QEMU is in tests/.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env, timeout: 60_000 });
  return { status, stdout, stderr };
}
const pmem = (rest = 'share'): string[] => [
  '-object', `memory-backend-file,id=mem1,${rest},mem-path=${folder}/pmem.img,size=4M`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1',
];

describe('vpmem demo', () => {
  it('tells the whole story, every step of it true, and leaves nothing behind', () => {
    const { status, stdout, stderr } = run('demo');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.match(/^\d\. /gm)).toHaveLength(5);
    expect(stdout.match(/✓/g)?.length).toBeGreaterThan(12);
    expect(stdout).toMatch(/every byte that was flushed is there/);
    expect(stdout).toMatch(/Done in [\d.]+ s\. What to try next:\n.*\n {5}vpmemd -object/);
    // The folder for sockets stays, as a user's own; there is nothing in it.
    expect(readdirSync(folder, { recursive: true })).toEqual(['vpmem']);
  });
});

describe('vpmem qemu --print', () => {
  it('shows both commands and does nothing', () => {
    const { status, stdout, stderr } = run('qemu', '--qemu', 'my-qemu', '--print', '--', '-machine', 'pc', '-m', '1G,slots=1,maxmem=8G', ...pmem());
    expect(status).toBe(0);
    expect(stdout).toMatch(/^my-qemu -machine pc .* -device '\{"driver":"vfio-user-pci","id":"nv1",.* -object memory-backend-memfd,.*size=1G,share=on .*\n$/);
    expect(stdout).not.toMatch(/virtio-pmem-pci/);
    expect(stderr).toMatch(/^vpmem: serve the devices first: vpmemd -object .* -device virtio-pmem-pci,memdev=mem1,id=nv1$/m);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('what it prints for vpmemd and for QEMU names the same socket', () => {
    const { stdout } = run('qemu', '--print', '--', '-m', '1G', ...pmem());
    expect(stdout).toContain(`"path":"${folder}/vpmem/nv1.sock"`);
  });
});

describe('mistakes end with a line that names the option, exit 1, and nothing half-made', () => {
  it.each<[string, () => string[], RegExp]>([
    ['a program that is not there', () => ['--qemu', '/no/such/qemu', '--', '-m', '1G', ...pmem()], /\/no\/such\/qemu.*--qemu/],
    ['RAM that cannot be shared', () => ['--', '-m', '1G', '-object', 'memory-backend-ram,id=ram,size=1G', '-machine', 'pc,memory-backend=ram', ...pmem()], /RAM backend 'ram'.* add share=on$/m],
    ['a device property that is not there', () => ['--print', '--', '-object', pmem()[1] ?? '', '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1,nonsense=1'], /nonsense/],
    ['a memdev that is not there', () => ['--print', '--', '-device', 'virtio-pmem-pci,memdev=mem9,id=nv1'], /mem9/],
  ])('%s', (_, args, message) => {
    const { status, stdout, stderr } = run('qemu', ...args());
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^vpmem: /);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });
});
