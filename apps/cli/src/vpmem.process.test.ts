// The command line as whoever types it sees it. What needs a QEMU is in tests/.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder, env, timeout: 400_000 });
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

  it('tells what the device takes, as QEMU does', () => {
    const { status, stdout, stderr } = run('qemu', '--', '-device', 'virtio-pmem-pci,help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^virtio-pmem-pci options:\n {2}acpi-index=<int> .*\n( {2}\S+=<.*\n)+$/);
  });

  it('shows a command that works for a file of -readconfig too, and says of which file to get rid', () => {
    const config = join(folder, 'vm.cfg');
    writeFileSync(config, '[name]\n  guest = "vm"\n[object "m"]\n  qom-type = "memory-backend-ram"\n  size = "4M"\n[device]\n  driver = "virtio-pmem-pci"\n  memdev = "m"\n');
    const { stdout, stderr } = run('qemu', '--print', '--', '-readconfig', config);
    const [, made = ''] = /^qemu-system-x86_64 -readconfig (\S+vm.cfg) -device '\{"driver":"vfio-user-pci","id":"m",/.exec(stdout) ?? [];
    expect(readFileSync(made, 'utf8')).toBe(`[name]\n  guest = "vm"\n${'#\n'.repeat(6)}`);
    expect(stderr).toContain(`'${made}' is the file of -readconfig without what vpmem serves`);
    expect(stderr).toContain('vpmemd -object id=m,qom-type=memory-backend-ram,size=4M -device driver=virtio-pmem-pci,memdev=m,id=m\n');
  });

  it('what it prints for vpmemd and for QEMU names the same socket', () => {
    const { stdout } = run('qemu', '--print', '--', '-m', '1G', ...pmem());
    expect(stdout).toContain(`"path":"${folder}/vpmem/nv1.sock"`);
  });
});

describe('mistakes end with a line that names the option, exit 1, and nothing half-made', () => {
  it.each<[string, () => string[], RegExp]>([
    ['a program that is not there', () => ['--qemu', '/no/such/qemu', '--', '-m', '1G', ...pmem()], /\/no\/such\/qemu.*--qemu/],
    ['RAM that cannot be shared', () => ['--', '-m', '1G', '-object', 'memory-backend-ram,id=ram,size=1G,share=off', '-machine', 'pc,memory-backend=ram', ...pmem()], /RAM backend 'ram'.* write share=on$/m],
    ['what a snapshot would bring back', () => ['--', '-loadvm', 'x', ...pmem()], /^vpmem: -loadvm: .*leave out the device$/m],
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
