// readonly=on: a guest may do what it likes, and nobody else ever sees it.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlushError, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deviceOptions, Guests } from '../tests/daemon-guests.ts';
import { DaemonProcess } from './daemon-process.ts';

const SIZE = 2 ** 22;

let folder: string;
let daemon: DaemonProcess;
let guests: Guests;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-readonly-'));
  writeFileSync(join(folder, 'image'), Buffer.alloc(SIZE, 'original'), { mode: 0o400 });
  guests = new Guests(folder);
  const shared = { file: `${folder}/image`, backend: ',readonly=on' };
  daemon = await DaemonProcess.start([...deviceOptions(folder, 0, shared), ...deviceOptions(folder, 1, shared), '-qmp', `unix:${folder}/qmp,server=on,wait=off`], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
});
afterEach(async () => {
  guests.cutPower();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const text = (disk: GuestDisk, offset: number): string => Buffer.from(disk.read(offset, 8)).toString();
const image = (): unknown => {
  const { mtimeMs, ctimeMs, ino } = statSync(join(folder, 'image'));
  return { mtimeMs, ctimeMs, ino, hash: createHash('sha256').update(readFileSync(join(folder, 'image'))).digest('hex') };
};

it('two VMs read one file; what either writes the other does not see, nor the file', () => {
  const before = image();
  const [one, other] = [guests.plug(0), guests.plug(1)];
  expect([text(one, 0), text(other, SIZE - 8)]).toEqual(['original', 'original']);
  one.write(0, Buffer.from('changed!'));
  other.write(4096, Buffer.from('as well!'));
  expect([text(one, 0), text(other, 0), text(one, 4096), text(other, 4096)]).toEqual(['changed!', 'original', 'original', 'as well!']);
  expect(image()).toEqual(before);
});

it('no descriptor of the daemon, and none that a VM gets, is of the file', () => {
  guests.plug(0);
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
  const disk = guests.plug(0);
  disk.write(0, Buffer.from('changed!'));
  for (let i = 0; i < 2; i++) await expect(disk.fsync()).rejects.toThrow(FlushError);
  const client = await QmpClient.connect({ path: join(folder, 'qmp') });
  const [first, second] = await client.execute('query-pmem');
  expect(first).toMatchObject({ volatile: expect.stringContaining('readonly=on') as string, 'last-error': { text: expect.stringContaining('readonly=on') as string } });
  expect(second).not.toHaveProperty('last-error');
  client.close();
  await expect.poll(() => daemon.stderr.match(/error: nv0: .*readonly=on, so nothing becomes durable/g)).toHaveLength(1);
  expect(await daemon.end()).toEqual({ status: 0, signal: null });
  expect(daemon.stderr).not.toContain('error: nv1');
});
