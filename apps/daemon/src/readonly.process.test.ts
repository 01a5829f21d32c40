// readonly=on: a guest may do what it likes, and nobody else ever sees it.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlushError, Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

const SIZE = 2 ** 22;

let folder: string;
let daemon: DaemonProcess;
let guests: Guest[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-readonly-'));
  writeFileSync(join(folder, 'image'), Buffer.alloc(SIZE, 'original'), { mode: 0o400 });
  guests = [];
  const pair = (i: number): string[] => [
    ...['-object', `memory-backend-file,id=mem${i},share=on,readonly=on,mem-path=${folder}/image,size=4M`],
    ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`],
  ];
  daemon = await DaemonProcess.start([...pair(0), ...pair(1), '-qmp', `unix:${folder}/qmp,server=on,wait=off`], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
});
afterEach(async () => {
  for (const guest of guests) guest.cutPower();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

function plug(i: number): GuestDisk {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(join(folder, `nv${i}.sock`)));
}
const text = (disk: GuestDisk, offset: number): string => Buffer.from(disk.read(offset, 8)).toString();
const image = (): unknown => {
  const { mtimeMs, ctimeMs, ino } = statSync(join(folder, 'image'));
  return { mtimeMs, ctimeMs, ino, hash: createHash('sha256').update(readFileSync(join(folder, 'image'))).digest('hex') };
};

it('two VMs read one file; what either writes the other does not see, nor the file', () => {
  const before = image();
  const [one, other] = [plug(0), plug(1)];
  expect([text(one, 0), text(other, SIZE - 8)]).toEqual(['original', 'original']);
  one.write(0, Buffer.from('changed!'));
  other.write(4096, Buffer.from('as well!'));
  expect([text(one, 0), text(other, 0), text(one, 4096), text(other, 4096)]).toEqual(['changed!', 'original', 'original', 'as well!']);
  expect(image()).toEqual(before);
});

it('no descriptor of the daemon, and none that a VM gets, is of the file', () => {
  plug(0);
  const open = (pid: number | string): string[] =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  expect([...open(String(daemon.pid)), ...open('self')].filter((path) => path.startsWith(join(folder, 'image')))).toEqual([]);
});

it('a flush fails, because nothing becomes durable, and query-pmem says why; ending is no reason for one', async () => {
  const disk = plug(0);
  disk.write(0, Buffer.from('changed!'));
  for (let i = 0; i < 2; i++) await expect(disk.fsync()).rejects.toThrow(FlushError);
  const client = await QmpClient.connect({ path: join(folder, 'qmp') });
  const [first, second] = await client.execute('query-pmem');
  expect(first).toMatchObject({ volatile: expect.stringContaining('readonly=on') as string, 'last-error': { text: expect.stringContaining('readonly=on') as string } });
  expect(second).not.toHaveProperty('last-error');
  client.close();
  expect(daemon.stderr.match(/error: nv0: .*readonly=on, so nothing becomes durable/g)).toHaveLength(1);
  expect(await daemon.end()).toEqual({ status: 0, signal: null });
  expect(daemon.stderr).not.toContain('error: nv1');
});
