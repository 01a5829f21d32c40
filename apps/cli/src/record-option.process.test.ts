// -record of vpmemd and vpmem run, --record of vpmem qemu: every device of the command line is recorded, or nothing is left.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guest } from '@vpmem/guest';
import { Recording } from '@vpmem/recording';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const DAEMON = fileURLToPath(new URL('../../daemon/dist/main.js', import.meta.url));

let folder: string;
/** Of a daemon in the background. */
let pid: number | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-record-'));
});
afterEach(async () => {
  await endDaemon('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function run(words: readonly string[], input = ''): Outcome {
  const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: folder, env, input, timeout: 400_000, killSignal: 'SIGKILL' });
  return { status, stdout, stderr };
}
const vpmemd = (...args: string[]): Outcome => run([DAEMON, ...args]);
const vpmem = (...args: string[]): Outcome => run([MAIN, ...args]);

async function endDaemon(signal: NodeJS.Signals): Promise<void> {
  const ended = pid;
  pid = undefined;
  if (ended === undefined) return;
  process.kill(ended, signal);
  await expect.poll(() => !existsSync(`/proc/${ended}`) || readFileSync(`/proc/${ended}/stat`, 'utf8').includes(') Z ')).toBe(true);
}

const pair = (name: string, rest = ''): string[] => [
  ...['-object', `memory-backend-file,id=mem-${name},mem-path=${name}.img,size=4M,share=on${rest}`],
  ...['-device', `virtio-pmem-pci,id=${name},memdev=mem-${name}`],
];
const left = (): string[] => readdirSync(folder, { recursive: true }).map(String).filter((name) => !/^vpmem(\/|$)/.test(name)).sort();

/** The marks of a recording, and what was durable at its end. */
function recorded(file: string): { marks: string[]; image: Buffer } {
  const recording = Recording.open(join(folder, file));
  const fd = openSync(join(folder, 'image'), 'w+');
  try {
    expect(recording.complete).toBe(true);
    recording.imageOf('end:none', fd);
    return { marks: [...recording.events()].flatMap((event) => (event.type === 'mark' ? [event.text] : [])), image: readFileSync(join(folder, 'image')) };
  } finally {
    closeSync(fd);
    recording.close();
    rmSync(join(folder, 'image'));
  }
}

describe('vpmemd -record', () => {
  it('records each device, of a file too, where it was told to, though it goes into the background', async () => {
    writeFileSync(join(folder, 'vm.conf'), '[object "m2"]\nqom-type = "memory-backend-file"\nmem-path = "b.img"\nsize = "4M"\nshare = "on"\n[device]\ndriver = "virtio-pmem-pci"\nmemdev = "m2"\n');
    const { status, stderr } = vpmemd(...pair('a'), ...pair('own', ',record=mine.vpmrec'), '-readconfig', 'vm.conf', '-record', 'runs/1', '-daemonize', '-pidfile', 'pid');
    expect([status, stderr]).toEqual([0, '']);
    pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    for (const name of ['a', 'm2', 'own']) {
      const guest = new Guest();
      const disk = guest.plug(RemoteFunction.connect(join(folder, 'vpmem', `${name}.sock`)));
      disk.write(4096, Buffer.from(`by ${name}`));
      await disk.fsync();
      guest.cutPower();
    }
    await endDaemon('SIGTERM');
    expect(left()).toEqual(['a.img', 'b.img', 'mine.vpmrec', 'own.img', 'runs', 'runs/1', 'runs/1/a.vpmrec', 'runs/1/m2.vpmrec', 'vm.conf']);
    for (const [file, image, text] of [['runs/1/a.vpmrec', 'a.img', 'by a'], ['runs/1/m2.vpmrec', 'b.img', 'by m2'], ['mine.vpmrec', 'own.img', 'by own']] as const) {
      const durable = recorded(file).image;
      expect(durable.equals(readFileSync(join(folder, image)))).toBe(true);
      expect(durable.subarray(4096).toString('latin1', 0, text.length)).toBe(text);
    }
  });

  it.each<[string, string[], RegExp]>([
    ['a folder that cannot be', ['-record', 'file/runs', ...pair('a')], /^vpmemd: -record file\/runs: the folder for recordings cannot be made: ENOTDIR.*\n$/],
    ['no name', ['-record', '', ...pair('a')], /^vpmemd: -record : the folder for recordings has no name\n$/],
    ['two folders', ['-record', 'a', '-record', 'b', ...pair('a')], /^vpmemd: -record b: there is one already; give -record once\n$/],
    ['a recording that is there', ['-record', 'old', ...pair('b'), ...pair('a')], /^vpmemd: -object .*: memory backend 'mem-a': record 'old\/a\.vpmrec': there is such a file already; .*\n$/],
    ['a device that is refused later', ['-record', 'new/runs', ...pair('a'), '-device', 'virtio-pmem-pci,memdev=none'], /^vpmemd: -device virtio-pmem-pci,memdev=none: .*\n$/],
  ])('with %s ends in one line, and nothing is left', (_, args, message) => {
    mkdirSync(join(folder, 'old'));
    writeFileSync(join(folder, 'old/a.vpmrec'), 'of yesterday');
    writeFileSync(join(folder, 'file'), '');
    const { status, stdout, stderr } = vpmemd(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(left()).toEqual(['file', 'old', 'old/a.vpmrec']);
    expect(readFileSync(join(folder, 'old/a.vpmrec'), 'utf8')).toBe('of yesterday');
  });
});

describe('vpmem run -record', () => {
  it('records what the guest of the terminal makes durable, with the marks typed there', () => {
    const { status, stderr } = run([MAIN, 'run', '-m', '256M,maxmem=1G', '-record', 'runs', ...pair('a')], 'guest_write a 0 one\nguest_fsync a\nmark one is durable\nguest_write a 4096 two\nguest_fsync a\nquit\n');
    expect([status, stderr]).toEqual([0, 'vpmem run: ready\nvpmem run: shutdown (host-qmp-quit)\n']);
    const { marks, image } = recorded('runs/a.vpmrec');
    expect(marks).toEqual(['one is durable']);
    expect(image.equals(readFileSync(join(folder, 'a.img')))).toBe(true);
    expect(image.toString('latin1', 4096, 4099)).toBe('two');
  });

  it('says so where there is nothing to record', () => {
    const { status, stderr } = run([MAIN, 'run', '-m', '256M,maxmem=1G', '-record', 'runs', '-object', 'memory-backend-ram,id=m,size=4M', '-device', 'virtio-pmem-pci,memdev=m'], 'quit\n');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^vpmem run: warning: -record runs: nothing of the command line can be recorded, so 'runs' gets nothing: .*share=on$/m);
    expect(left()).toEqual([]);
  });
});

describe('vpmem qemu --record', () => {
  it('shows with --print what serves and records the devices, and makes nothing', () => {
    const { status, stdout, stderr } = vpmem('qemu', '--record', 'my runs', '--print', '--', '-m', '1G', ...pair('a'));
    expect(status).toBe(0);
    expect(stdout).not.toContain('my runs');
    expect(stderr).toMatch(/^vpmem: serve the devices first: vpmemd -record 'my runs' -object \S+ -device virtio-pmem-pci,id=a,memdev=mem-a$/m);
    expect(left()).toEqual([]);
  });

  it.each<[string, string[], RegExp]>([
    ['a folder that cannot be', ['--record', 'qemu/runs'], /^vpmem: --record qemu\/runs: the folder for recordings cannot be made: ENOTDIR/],
    ['a QEMU that refuses its command line', ['--record', 'runs/1'], /^no such option$/m],
  ])('with %s leaves nothing', (_, options, message) => {
    const qemu = join(folder, 'qemu');
    writeFileSync(qemu, "#!/bin/sh\ncase $1 in --version) echo 'QEMU emulator version 11.1.3'; exit ;; esac\necho 'no such option' >&2\nexit 1\n", { mode: 0o755 });
    const { status, stdout, stderr } = vpmem('qemu', '--qemu', qemu, ...options, '--', '-m', '128M', ...pair('a'));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(left()).toEqual(['qemu']);
  });
});
