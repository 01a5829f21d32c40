// Two daemons and one file.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

let folder: string;
let daemons: DaemonProcess[];
let guests: Guest[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-lock-'));
  daemons = [];
  guests = [];
});
afterEach(async () => {
  for (const guest of guests) guest.cutPower();
  for (const daemon of daemons) await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
async function start(name: string, rest: string): Promise<DaemonProcess> {
  const object = `memory-backend-file,id=mem1,mem-path=${path('image')},size=4M,${rest}`;
  const daemon = await DaemonProcess.start(['-object', object, '-device', `virtio-pmem-pci,memdev=mem1,id=nv1,socket=${path(name)}`]);
  daemons.push(daemon);
  return daemon;
}
function plug(name: string): GuestDisk {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(path(name)));
}

it('the second is refused by the number of the first, and may have the file when that is gone, whatever its VM keeps', async () => {
  const first = await start('one', 'share=on');
  const disk = plug('one');
  disk.write(0, Buffer.from('kept'));
  await disk.fsync();
  for (const rest of ['share=on', 'share=on,share-rw=on', 'share=off', 'readonly=on']) {
    await expect(start('two', rest)).rejects.toThrow(`vpmemd: -object memory-backend-file,id=mem1,mem-path=${path('image')},size=4M,${rest}: memory backend 'mem1': '${path('image')}' is in use by process ${first.pid}; `);
  }
  expect(readFileSync(path('image')).subarray(0, 4).toString()).toBe('kept');
  await first.end('SIGKILL');
  await start('two', 'share=on');
  expect(Buffer.from(plug('two').read(0, 4)).toString()).toBe('kept');
});

it('both may have it that say share=on,share-rw=on, and each VM sees what the other writes', async () => {
  await start('one', 'share=on,share-rw=on');
  await start('two', 'share=on,share-rw=on');
  const [one, other] = [plug('one'), plug('two')];
  one.write(4096, Buffer.from('seen'));
  expect(Buffer.from(other.read(4096, 4)).toString()).toBe('seen');
  await Promise.all([one.fsync(), other.fsync()]);
  await expect(start('three', 'share=on')).rejects.toThrow(/is in use by process/);
});
