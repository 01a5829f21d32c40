// A database on ext4 and on XFS, both with DAX, recorded by `vpmem qemu --record`: what is durable after any of its flushes is a whole file system,
// with everything in it that the guest had said is acknowledged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataExtents } from '@vpmem/native';
import { FileImage, ImageBuilder, Recording, type RecordedWindow } from '@vpmem/recording';
import { preparePackages, requireTestbed, startGuest, type Guest, type PackageTree } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** A guest looks at every one of so many images; at all of them with VPMEM_EVERY_FLUSH=1, which takes minutes. */
const share = (usual: number): number => (process.env.VPMEM_EVERY_FLUSH === '1' ? 1 : usual);
const COMMITS = 50;

const DISKS = [
  { name: 'ext4', id: 'nv1', size: 64 * 2 ** 20, device: '/dev/pmem0', checked: '/dev/vda', mkfs: 'mkfs.ext4 -q -b 4096', every: share(20), journal: share(3), check: 'e2fsck -fn' },
  { name: 'xfs', id: 'nv2', size: 320 * 2 ** 20, device: '/dev/pmem1', checked: '/dev/vdb', mkfs: 'mkfs.xfs -q', every: share(8), journal: share(3), check: 'xfs_repair -n' },
] as const;
type Disk = (typeof DISKS)[number];

/** A flush after the database has begun, and the last commit that was acknowledged before it was asked for. */
interface Flush {
  readonly window: RecordedWindow;
  readonly acknowledged: number;
}

describe.skipIf(testbed === undefined)(`SQLite, recorded${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let packages: PackageTree;
  let guest: Guest | undefined;
  const path = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-recorded-'));
    if (testbed === undefined) return;
    packages = await preparePackages('sqlite-1', ['sqlite3']);
    const pmem = DISKS.flatMap(({ name, id, size }) => ['-object', `memory-backend-file,id=${name},mem-path=${path(name)},size=${size},share=on`, '-device', `virtio-pmem-pci,id=${id},memdev=${name}`]);
    guest = await startGuest({
      testbed,
      ram: [],
      tools: ['xfs'],
      programs: [{ packages, path: 'usr/bin/sqlite3' }],
      qemuArgs: [...pmem, '-object', 'memory-backend-ram,id=marks,size=2M', '-device', 'virtio-pmem-pci,memdev=marks,marks=on'],
      command: (line) => [process.execPath, MAIN, 'qemu', '--record', path('runs'), '--qemu', testbed.qemuWrapper, '--', ...line.slice(1)],
    });
    await guest.sh('wait-for /dev/pmem2');
    for (const disk of DISKS) await guest.sh(databaseWork(disk));
    await guest.powerOff();
    for (const { name, size } of DISKS) {
      writeFileSync(path(`${name}.copy`), '');
      truncateSync(path(`${name}.copy`), size);
    }
  });
  afterAll(async () => {
    await guest?.stop();
    rmSync(folder, { recursive: true });
  });

  const withRecording = ({ id }: Disk, use: (recording: Recording) => void): void => {
    const recording = Recording.open(path(`runs/${id}.vpmrec`));
    try {
      use(recording);
    } finally {
      recording.close();
    }
  };

  describe.each(DISKS)('on $name', (disk) => {
    it('has a hundred flushes, half of which take no more than 1.5 KB of the recording, and none more than 4', () => {
      withRecording(disk, (recording) => {
        expect(recording.complete).toBe(true);
        const flushes = flushesOf(recording, disk.name).filter(({ acknowledged }) => acknowledged < COMMITS);
        const sizes = flushes.map(({ window: { asked = 0, to } }) => recording.offsetOf(to) - recording.offsetOf(asked)).sort((a, b) => a - b);
        expect(sizes.length).toBeGreaterThan(COMMITS);
        expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(1536);
        expect(sizes.at(-1)).toBeLessThanOrEqual(4096);
      });
    });

    it('ends with what is in the file', () => {
      withRecording(disk, (recording) => {
        const image = openSync(path('last'), 'w+');
        recording.imageOf(`${recording.windows.findLast(({ kind }) => kind === 'flush')?.number ?? 0}:all`, image);
        closeSync(image);
        expect(readFileSync(path('last')).equals(readFileSync(path(disk.name)))).toBe(true);
      });
    });
  });

  /** Makes the images of every so many flushes, one after the other, each in a copy that may be written to. Red if `complain` has something to say. */
  const forEachImage = async (disk: Disk, every: number, complain: (copy: string, flush: Flush) => Promise<string | undefined>): Promise<void> => {
    const recording = Recording.open(path(`runs/${disk.id}.vpmrec`));
    const [image, copy] = [openSync(path('image'), 'w+'), openSync(path(`${disk.name}.copy`), 'r+')];
    try {
      ftruncateSync(image, disk.size);
      const builder = new ImageBuilder(recording, new FileImage(image, disk.size));
      const flushes = flushesOf(recording, disk.name);
      for (const flush of flushes.filter((_, i) => i % every === 0 || i === flushes.length - 1)) {
        builder.apply(`${flush.window.number}:all`);
        copyImage(image, copy, disk.size);
        const complaint = await complain(path(`${disk.name}.copy`), flush);
        expect(complaint, `${disk.name} after flush ${flush.window.number}`).toBeUndefined();
      }
    } finally {
      for (const fd of [image, copy]) closeSync(fd);
      recording.close();
    }
  };

  it('leaves, after flushes on ext4, a file system that needs its journal and nothing else', async () => {
    const e2fsck = testbed?.tools.command('usr/sbin/e2fsck') ?? [];
    let replayed = 0;
    await forEachImage(DISKS[0], DISKS[0].journal, async (copy) => {
      const journal = await run([...e2fsck, '-y', '-E', 'journal_only', copy]);
      const check = await run([...e2fsck, '-fn', copy]);
      if (journal.output.includes('recovering journal')) replayed++;
      return check.status === 0 ? undefined : journal.output + check.output;
    });
    expect(replayed).toBeGreaterThan(COMMITS / DISKS[0].journal);
  });

  it('leaves, after flushes on either, what a kernel mounts, a database that is whole, and every row that was acknowledged', { timeout: 1_800_000 }, async () => {
    if (testbed === undefined) throw new Error(reason);
    const drives = DISKS.flatMap(({ name }) => ['-drive', `if=virtio,format=raw,file=${path(`${name}.copy`)}`]);
    const checker = await startGuest({ testbed, tools: ['xfs'], programs: [{ packages, path: 'usr/bin/sqlite3' }], modules: ['virtio_blk'], qemuArgs: drives });
    onTestFailed(() => console.error(checker.console.slice(-3000)));
    try {
      for (const disk of DISKS) {
        const { name, checked, check } = disk;
        const work = `mount -t ${name} ${checked} /mnt && sqlite3 /mnt/db 'PRAGMA integrity_check; SELECT count(*) FROM t;' && umount /mnt && ${check} ${checked} >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }`;
        await forEachImage(disk, disk.every, async (_, { acknowledged }) => {
          const { status, output } = await checker.run(work);
          const [whole, rows] = output.split('\n');
          return status === 0 && whole === 'ok' && Number(rows) >= acknowledged ? undefined : `status ${status}, ${acknowledged} acknowledged: ${output}`;
        });
      }
    } finally {
      await checker.stop();
    }
  });
});

/** The flushes of the database, in order: those after its first mark. */
function flushesOf(recording: Recording, name: string): Flush[] {
  const marks = [...recording.events()].flatMap((event) => (event.type === 'mark' && event.text.startsWith(`${name} `) ? [{ frame: event.frame, number: Number(event.text.split(' ')[1]) }] : []));
  return recording.windows.flatMap((window) => {
    const last = marks.findLast(({ frame }) => frame < (window.asked ?? 0));
    return window.kind === 'flush' && window.status === 'ok' && last !== undefined ? [{ window, acknowledged: last.number }] : [];
  });
}

/** Whatever was in the copy is gone: holes stay holes. */
function copyImage(from: number, to: number, size: number): void {
  ftruncateSync(to, 0);
  ftruncateSync(to, size);
  for (const { start, end } of dataExtents(from, 0, size)) {
    const bytes = Buffer.alloc(end - start);
    readSync(from, bytes, 0, bytes.length, start);
    writeSync(to, bytes, 0, bytes.length, start);
  }
}

async function run([path = '', ...args]: readonly string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output };
}

/** Makes a file system, and a database with a log, in which each commit is acknowledged by a mark once it has returned. */
function databaseWork({ name, device, mkfs }: Disk): string {
  const mark = (text: string): string => `echo ${text} > /dev/pmem2 && sync /dev/pmem2`;
  return `${mkfs} ${device} && mkdir -p /mnt/${name} && mount -t ${name} -o dax=always ${device} /mnt/${name} && cd /mnt/${name} || exit 1
    sqlite3 db 'PRAGMA journal_mode=WAL; CREATE TABLE t(n INTEGER PRIMARY KEY, text);' && sync . && sync ${device} && ${mark(`${name} 0`)}
    { echo 'PRAGMA synchronous=FULL;'
      for i in $(seq ${COMMITS}); do echo "INSERT INTO t VALUES($i, hex(randomblob(50)));"; echo ".shell ${mark(`${name} $i`)}"; done
    } > /tmp/work && sqlite3 -bail db < /tmp/work && cd / && umount /mnt/${name}`;
}
