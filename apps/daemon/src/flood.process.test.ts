// Guests that ask for more than their share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { VfioUserClient } from '@vpmem/vfio-user/client';
import { Command, RegionAccess } from '@vpmem/vfio-user/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deviceOptions, Guests } from '../tests/daemon-guests.ts';
import { DaemonProcess } from './daemon-process.ts';

/** Where BAR 0 has the notification structure. */
const NOTIFY_AT = 0x3000;

let folder: string;
let daemon: DaemonProcess;
let monitor: QmpClient;
let guests: Guests;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-flood-'));
  guests = new Guests(folder);
  daemon = await DaemonProcess.start([...deviceOptions(folder, 0, { device: ',ops=20,burst=2' }), ...deviceOptions(folder, 1), '-qmp', `unix:${folder}/qmp,server=on,wait=off`], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  monitor = await QmpClient.connect({ path: join(folder, 'qmp') });
});
afterEach(async () => {
  monitor.close();
  guests.cutPower();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

it('flushes without end are as many syncs as the device may, and another device has as many as it likes', async () => {
  const [flooding, other] = [guests.plug(0), guests.plug(1)];
  const began = performance.now();
  const waves = Array.from({ length: 8 }, async () => {
    for (let i = 0; i < 4; i++) await flooding.fsync();
  });
  for (let i = 0; i < 50; i++) await other.fsync();
  await Promise.all(waves);
  const seconds = (performance.now() - began) / 1000;
  const [limited, unlimited] = await monitor.execute('query-pmem');
  expect(limited?.flushes).toMatchObject({ asked: 32, failed: 0 });
  expect(limited?.faults).toMatchObject({ limit: { ops: 20, burst: 2 } });
  expect((limited?.flushes.asked ?? 0) - (limited?.flushes.coalesced ?? 0)).toBeLessThanOrEqual(2 + 20 * seconds + 1);
  expect(unlimited?.flushes.asked).toBe(50);

  await monitor.execute('flush-limit', { id: 'nv0', ops: 0 });
  for (let i = 0; i < 20; i++) await flooding.fsync();
  expect((await monitor.execute('query-pmem'))[0]?.faults).not.toHaveProperty('limit');
});

it('notifications for nothing, without end, are as many as the device may, and another device has its flushes meanwhile', async () => {
  const flooding = VfioUserClient.connect(join(folder, 'nv0.sock'));
  const other = guests.plug(1);
  const notify = (): unknown => flooding.request(Command.REGION_WRITE, Buffer.concat([RegionAccess.encode({ region: 0, offset: NOTIFY_AT, count: 2 }), Buffer.alloc(2)]));
  const began = performance.now();
  for (let i = 0; i < 12; i++) {
    notify();
    await other.fsync();
  }
  // Two at once, and each of the others had to wait for a twentieth of a second; the last answers before its wait.
  expect(performance.now() - began).toBeGreaterThanOrEqual(1000 * (12 - 1 - 2) / 20);
  const [limited] = await monitor.execute('query-pmem');
  expect(limited?.faults?.limit).toMatchObject({ 'held-back': 0, 'notifications-held-back': expect.any(Number) as number });

  await monitor.execute('flush-limit', { id: 'nv0', ops: 0 });
  for (let i = 0; i < 1000; i++) notify();
  flooding.close();
});

it('a client that comes and goes without end does not fill the log, and whether it is there is told in the end', async () => {
  for (let i = 0; i < 300; i++) VfioUserClient.connect(join(folder, 'nv0.sock')).close();
  await expect.poll(() => daemon.stderr).toMatch(/the VM has gone: \d+ comings and goings before it were left out\n$/);
  const told = daemon.stderr.match(/nv0: (?:a VM has connected|the VM has gone)/g) ?? [];
  expect(told.length).toBeGreaterThanOrEqual(100);
  // A hundred, and ten a second, on a machine however slow.
  expect(told.length).toBeLessThan(500);
});

it('commands that make no sense, without end, do not fill the log, and others take turns with them', async () => {
  const other = guests.plug(1);
  const client = VfioUserClient.connect(join(folder, 'nv0.sock'));
  for (let i = 0; i < 5000; i += 100) {
    for (let j = 0; j < 100; j++) client.send(99);
    for (let j = 0; j < 100; j++) expect(client.receive().header.error_no).toBe(22);
    await other.fsync();
  }
  client.close();
  await expect.poll(() => daemon.stderr).toContain('nv0: the VM has gone');
  const remarks = daemon.stderr.match(/command 99 refused/g) ?? [];
  expect(remarks.length).toBeGreaterThanOrEqual(20);
  // Twenty, and two a second, on a machine however slow.
  expect(remarks.length).toBeLessThan(200);
});
