// What -metrics tells, by scrapes of a real vpmemd.
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Guest } from '@vpmem/guest';
import { readExposition } from '@vpmem/metrics/testing';
import { listenUnix } from '@vpmem/native';
import { QmpClient } from '@vpmem/qmp/client';
import { runningPrograms } from '@vpmem/running-programs';
import { RemoteFunction, VfioUserClient } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from './daemon-process.ts';

let folder: string;
let daemons: DaemonProcess[];
let guests: Guest[];
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-metrics-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder };
  daemons = [];
  guests = [];
});
afterEach(async () => {
  for (const guest of guests) guest.cutPower();
  for (const daemon of daemons) await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const part = (i: number, backend = ''): string[] => [
  ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${path(`mem${i}.img`)},size=4M${backend}`],
  ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${path(`nv${i}.sock`)}`],
];
const common = (): string[] => ['-name', 'guest=one', '-qmp', `unix:${path('qmp')},server=on,wait=off`];
async function start(...args: string[]): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start(args, { env, cwd: folder });
  daemons.push(daemon);
  return daemon;
}
/** Where it says that metrics are. */
function locationOf({ pid }: DaemonProcess): string {
  return runningPrograms([path('vpmem')]).find((program) => program.pid === pid)?.metrics ?? '';
}
async function scrape(location: string): Promise<ReadonlyMap<string, number>> {
  const [, socketPath] = /^unix:(.*)/.exec(location) ?? [];
  const asking = (socketPath === undefined ? request(location, { agent: false }) : request({ socketPath, path: '/metrics' })).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return readExposition(await text(response));
}
function plug(i: number): ReturnType<Guest['plug']> {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(path(`nv${i}.sock`)));
}
async function qmp<T>(use: (client: QmpClient) => Promise<T>): Promise<T> {
  const client = await QmpClient.connect({ path: path('qmp') });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
const of = (name: string, device: string, own = ''): string => `vpmem_${name}{${own}device="${device}",machine="one"}`;

describe('-metrics', () => {
  it('tells what query-pmem does, of each device, while it is there', async () => {
    const daemon = await start(...part(0), ...part(1, ',power-failure=on'), ...common(), '-metrics', '0');
    const disks = [plug(0), plug(1)];
    for (const [i, disk] of disks.entries()) {
      for (let round = 0; round <= i + 1; round++) {
        disk.write(round * 4096, Buffer.from(`round ${round}`));
        await disk.fsync();
      }
    }
    disks[1]?.write(0, Buffer.from('at risk'));
    const location = locationOf(daemon);
    const [found, answers] = [await scrape(location), await qmp((client) => client.execute('query-pmem'))];
    for (const { id, flushes, latency, connected, size } of answers) {
      expect(Object.fromEntries(['asked', 'synced', 'shared', 'failed'].map((name) => [name, found.get(of(`flushes_${name}_total`, id))]))).toEqual({
        asked: flushes.asked,
        synced: flushes.synced,
        shared: flushes.coalesced,
        failed: flushes.failed,
      });
      expect(found.get(of('flush_duration_seconds_count', id))).toBe(flushes.asked);
      expect(found.get(of('flush_duration_seconds_sum', id))).toBeCloseTo((latency?.sum ?? NaN) / 1e6, 9);
      expect([found.get(of('device_connected', id)), found.get(of('device_size_bytes', id))]).toEqual([Number(connected), Number(size)]);
      expect(found.get(of('driver_state', id, 'state="ready",'))).toBe(1);
      expect([found.get(of('client_connects_total', id)), found.get(of('driver_resets_total', id))]).toEqual([1, 0]);
    }
    expect(answers.map(({ flushes }) => flushes.asked)).toEqual([2, 3]);
    // Bytes at risk are known of the one that has a medium.
    expect(found.has(of('unflushed_bytes', 'nv0'))).toBe(false);
    expect(found.get(of('unflushed_bytes', 'nv1'))).toBe(7);
    expect(found.get(of('unflushed_age_seconds', 'nv1'))).toBeGreaterThan(0);

    // Reset by its driver's end, then gone.
    guests[0]?.cutPower();
    guests.shift();
    await expect.poll(async () => (await scrape(location)).get(of('device_connected', 'nv0'))).toBe(0);
    expect((await scrape(location)).get(of('driver_resets_total', 'nv0'))).toBe(1);
    truncateSync(path('mem0.img'), 4096);
    await expect.poll(async () => (await scrape(location)).get(of('backing_file_changes_total', 'nv0', 'change="truncated",'))).toBe(1);
    await qmp((client) => client.execute('device_del', { id: 'nv0' }));
    expect([...(await scrape(location)).keys()].filter((series) => series.includes('nv0'))).toEqual([]);
  });

  it('goes along with an upgrade: the port that was chosen, and what was counted', async () => {
    const daemon = await start(...part(0), ...common(), '-metrics', '127.0.0.1:0');
    const location = locationOf(daemon);
    const disk = plug(0);
    disk.write(0, Buffer.from('one'));
    await disk.fsync();
    const next = await start('-takeover', 'one');
    await daemon.exited;
    expect(locationOf(next)).toBe(location);
    await disk.fsync();
    const found = await scrape(location);
    expect(['flushes_asked_total', 'flush_duration_seconds_count', 'client_connects_total'].map((name) => found.get(of(name, 'nv0')))).toEqual([2, 2, 1]);

    // The next one has another place, and nobody is left waiting at this one.
    const last = await start('-takeover', 'one', '-metrics', `unix:${path('m.sock')}`);
    await next.exited;
    expect(locationOf(last)).toBe(`unix:${path('m.sock')}`);
    expect((await scrape(`unix:${path('m.sock')}`)).get(of('flushes_asked_total', 'nv0'))).toBe(2);
    await expect(scrape(location)).rejects.toThrow('ECONNREFUSED');
    await last.end();
    expect(existsSync(path('m.sock'))).toBe(false);
  });

  it('is at a unix socket that goes along, too, and is gone at the end', async () => {
    const at = `unix:${path('m.sock')}`;
    // A dead process has left it.
    closeSync(listenUnix(path('m.sock')));
    await start(...part(0), ...common(), '-metrics', at);
    const next = await start('-takeover', 'one');
    expect((await scrape(at)).get(of('device_connected', 'nv0'))).toBe(0);
    await next.end();
    expect(readdirSync(folder).sort()).toEqual(['mem0.img', 'vpmem']);
  });

  it('refuses an address that cannot be had in one line, and leaves nothing half-made', async () => {
    const daemon = await start(...part(0), ...common(), '-metrics', '0');
    const refusals = [
      [new URL(locationOf(daemon)).host, /somebody is listening at 127\.0\.0\.1:\d+ already; name another port/],
      [`unix:${'x'.repeat(120)}`, /path 'x+' has 120 bytes; the system allows 107, so name a shorter one/],
      ['unix:/nowhere/m.sock', /there is no folder '\/nowhere'; make it, or name another path/],
      ['metrics', /'metrics' is no address; give unix:PATH, PORT, or HOST:PORT/],
    ] as const;
    for (const [address, message] of refusals) {
      const error = await start(...part(1), '-metrics', address).then(() => undefined, String);
      expect(error).toMatch(new RegExp(`^Error: vpmemd ended with status 1 instead of becoming ready: vpmemd: -metrics \\S+: ${message.source}$`));
      expect(readdirSync(folder).filter((name) => name.includes('1'))).toEqual([]);
    }
  });

  it('counts each client and each mistake, also those that are not told of', async () => {
    const daemon = await start(...part(0), ...common(), '-metrics', '0');
    const held = VfioUserClient.connect(path('nv0.sock'));
    for (let i = 0; i < 40; i++) expect(() => held.request(200)).toThrow();
    held.close();
    // A hundred are told of at once, and of mistakes twenty.
    for (let i = 1; i < 150; i++) VfioUserClient.connect(path('nv0.sock')).close();
    await expect.poll(async () => (await scrape(locationOf(daemon))).get(of('client_connects_total', 'nv0'))).toBe(150);
    expect((await scrape(locationOf(daemon))).get(of('client_errors_total', 'nv0', 'kind="remark",'))).toBe(40);
  });

  it('lets nobody who connects hold up a device', async () => {
    const daemon = await start(...part(0), ...common(), '-metrics', '0');
    const { port } = new URL(locationOf(daemon));
    const sockets = Array.from({ length: 300 }, (_, i) => {
      const socket = connect(Number(port)).on('error', () => undefined);
      socket.write(i % 2 === 0 ? 'GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n' : '\0\xff');
      return socket;
    });
    const disk = plug(0);
    disk.write(0, Buffer.from('one'));
    for (let i = 0; i < 10; i++) await disk.fsync();
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await scrape(locationOf(daemon)).catch(() => undefined))?.get(of('flushes_asked_total', 'nv0'))).toBe(10);
  });
});
