// The terminal of -nographic: the guest's console and QEMU's human monitor, with QEMU's keys; the guest is firmware without a disk.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../bin/vpmem.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).status === 0;
const why = reason ?? (hasScript ? undefined : 'no script(1) to make a terminal');

describe.skipIf(why !== undefined)(`the terminal of -nographic${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-console-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['-nographic alone', ['-nographic']],
    ['a mux of the user', ['-nographic', '-chardev', 'stdio,id=c,mux=on,signal=off', '-serial', 'chardev:c', '-mon', 'chardev=c,mode=readline']],
  ])('has the console and, after Ctrl-A c, the monitor: %s', async (_, options) => {
    const device = `-object memory-backend-file,id=m1,share=on,size=4M,mem-path=${folder}/pmem.img -device virtio-pmem-pci,memdev=m1,id=nv1`;
    const command = `sh ${MAIN} qemu --qemu ${testbed?.qemuWrapper ?? ''} -- -M pc -m 128M -nic none ${options.join(' ')} ${device}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: folder, env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
    const ended = once(child, 'exit');
    let text = '';
    let seen = 0;
    let arrived = (): void => undefined;
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      arrived();
    });
    void ended.then(() => arrived());
    onTestFailed(() => void child.kill('SIGKILL'));
    const until = async (what: string): Promise<void> => {
      while (!text.includes(what, seen)) {
        if (child.exitCode !== null) throw new Error(`it ended before '${what}': ${text.slice(seen)}`);
        await new Promise<void>((resolve) => (arrived = resolve));
      }
      seen = text.indexOf(what, seen) + what.length;
    };
    const type = (keys: string): void => void child.stdin.write(keys);

    await until('SeaBIOS');
    await until('No bootable device');
    type('\x01c');
    await until(`QEMU ${testbed?.qemuVersion ?? ''} monitor - type 'help' for more information`);
    await until('(qemu) ');
    type('info pmem\r');
    await until('nv1');
    await until('(qemu) ');
    type('info status\r');
    await until('VM status: running');
    // Back at the console the guest has the keys, and help is the multiplexer's.
    type('\x01c');
    type('\x01h');
    await until('C-a x    exit emulator');
    type('\x01x');
    await ended;
    expect(child.exitCode).toBe(0);
  });
});
