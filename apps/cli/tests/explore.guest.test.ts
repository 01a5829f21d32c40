// A guest is recorded, and what a power cut could have left of its disk is explored: on this host, and in a guest.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import { requireTestbed, startGuest } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const isRoot = process.getuid?.() === 0;
const RECORDS = 3;
/** Lines of a file, each synced, then acknowledged. Mounting and unmounting write the superblock in its place. */
const WORK = `
  mkfs.ext4 -q -b 4096 /dev/pmem0 && mark() { echo "$1" > /dev/pmem1 && sync /dev/pmem1; } && mark begin
  mount -o dax=always /dev/pmem0 /mnt
  for i in $(seq ${RECORDS}); do echo "$i" >> /mnt/log && sync /mnt/log && sync /mnt && mark "acked $i"; done
  umount /mnt && mark 'unmounted'`;

describe.skipIf(testbed === undefined)(`a recorded guest with ext4 on DAX${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-explored-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(async () => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    const devices = [
      ...['-object', `memory-backend-file,id=m1,mem-path=${join(folder, 'nv1.img')},size=32M,share=on`, '-device', 'virtio-pmem-pci,memdev=m1,id=nv1'],
      ...['-object', 'memory-backend-ram,id=marks,size=2M', '-device', 'virtio-pmem-pci,memdev=marks,marks=on'],
    ];
    const guest = await startGuest({ testbed, ram: [], qemuArgs: devices, command: (line) => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, '--record', join(folder, 'rec'), '--', ...line.slice(1)] });
    try {
      await guest.sh(`wait-for /dev/pmem1 && ${WORK.trim()}`);
      await guest.powerOff();
    } finally {
      await guest.stop();
    }
  });

  const explore = (where: string, ...args: string[]): { readonly status: number | null; readonly report: ExploreReport } => {
    const json = join(folder, `${where}.json`);
    const file = join(folder, 'rec/nv1.vpmrec');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'explore', file, '--mount', 'ext4', '--check', 'acked:log', '--from', 'begin', '--where', where, '--states', '24', '--json', json, ...args], { encoding: 'utf8' });
    if (status !== 1) throw new Error(`status ${String(status)}\n${stderr}`);
    return { status, report: JSON.parse(readFileSync(json, 'utf8')) as ExploreReport };
  };
  /** What two kernels agree on. */
  const failuresOf = ({ failures }: ExploreReport): unknown => failures.map(({ step, verdict, unit, signature, windows, minimal }) => ({ step, verdict, unit, signature, windows, lost: minimal?.pieces.map(({ names }) => names.map(({ name }) => name)) }));
  /** Of a superblock: its fields in the first sector are new and its checksum in the second is old, or the other way round. */
  const TORN = { step: 'mount', verdict: 'violated', unit: 'sector', signature: expect.stringMatching(/^mount: bad message \(EBADMSG\): EXT4-fs: VFS: Found ext4 filesystem with invalid superblock checksum/) as string };

  it.skipIf(!isRoot)(`keeps every acknowledged line on this host, and cannot be mounted with a torn superblock${isRoot ? '' : ' (skipped: only root can mount)'}`, () => {
    const { report } = explore('host', '--jobs', '2');
    expect(report.ended).toBe('complete');
    expect(report.failures).toMatchObject([{ ...TORN, minimal: { kind: 'lost', unit: 'sector', pieces: [{ names: [{ name: expect.stringMatching(/^ext4 superblock/) as string }] }] } }]);
    expect(report.totals.byVerdict.kept).toBeGreaterThan(20);
    expect(report.totals.windows.exhaustive).toBeGreaterThan(5);
  });

  it('says the same in a guest, where nobody has to be root', () => {
    const { report } = explore('guest');
    expect(report.failures).toMatchObject([TORN]);
    if (isRoot) expect(failuresOf(report)).toEqual(failuresOf(JSON.parse(readFileSync(join(folder, 'host.json'), 'utf8')) as ExploreReport));
  });
});
