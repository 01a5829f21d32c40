import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { EventHub, type BackendInfo, type MachineEvent, type PmemInfo } from '@vpmem/machine';
import { listenUnix } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readExposition } from './exposition.ts';
import { parseMetricsAddress } from './metrics-address.ts';
import { MetricsServer } from './metrics-server.ts';
import { METRICS_FORMATS } from './metrics-text.ts';
import { sampleDevice } from './sample-device.ts';

const events = new EventHub<MachineEvent>();
let devices: PmemInfo[];
let answer: () => Promise<readonly PmemInfo[]>;
let asked: number;
const machine = {
  name: undefined,
  pmem: () => (asked++, answer()),
  onEvent: (listener: (event: MachineEvent) => void) => events.add(listener),
  backends: () => devices.map(({ memdev, path }) => ({ id: memdev, user: path })) as BackendInfo[],
};

let folder: string;
let server: MetricsServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-metrics-'));
  devices = [sampleDevice()];
  answer = () => Promise.resolve(devices);
  asked = 0;
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const warnings: string[] = [];
const open = async (address = '0'): Promise<MetricsServer> =>
  (server = await MetricsServer.open({ address: parseMetricsAddress(address), machine, program: 'test', version: '1', warn: (line) => void warnings.push(line), patience: { exposure: 50, all: 50 } }));
const port = (): number => Number(new URL(server?.location ?? '').port);

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}
async function ask(path = '/metrics', { method = 'GET', accept = '*/*' } = {}): Promise<Answer> {
  const asking = request({ port: port(), path, method, headers: { accept }, agent: false }).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}
const figure = async (series: string): Promise<number | undefined> => readExposition((await ask()).body).get(series);

/** What a server says to bytes that are no request of ours, until it hangs up. */
async function send(bytes: string): Promise<string> {
  const socket = connect(port());
  socket.on('error', () => undefined);
  socket.write(bytes);
  return text(socket);
}

describe('a scrape', () => {
  it('is answered in the format that is wanted', async () => {
    await open();
    expect(await ask()).toMatchObject({ status: 200, headers: { 'content-type': METRICS_FORMATS.prometheus } });
    const { body, headers } = await ask('/metrics?x=1', { accept: 'application/openmetrics-text' });
    expect([headers['content-type'], body.endsWith('# EOF\n'), Number(headers['content-length'])]).toEqual([METRICS_FORMATS.openMetrics, true, body.length]);
  });

  it('by HEAD has no body', async () => {
    await open();
    const { status, headers, body } = await ask('/metrics', { method: 'HEAD' });
    expect([status, Number(headers['content-length']) > 1000, body]).toEqual([200, true, '']);
  });

  it.each([['/', 'GET', 404], ['/metrics/', 'GET', 404], ['/metrics', 'POST', 405], ['/metrics', 'DELETE', 405]])('%s by %s gets one plain line', async (path, method, status) => {
    await open();
    const found = await ask(path, { method });
    expect([found.status, found.headers['content-type'], found.body.split('\n').length]).toEqual([status, 'text/plain; charset=utf-8', 2]);
    expect(asked).toBe(0);
  });

  it('of devices that do not answer gets 503, and the next one is answered again', async () => {
    await open();
    const late = deferred();
    answer = () => late.promise;
    expect(await ask()).toMatchObject({ status: 503, body: 'the devices do not answer: they are busy, or have hung\n' });
    late.resolve([]);
    answer = () => Promise.resolve(devices);
    expect((await ask()).status).toBe(200);
  });

  it('of a machine that refuses gets what it says, in a line', async () => {
    await open();
    answer = () => Promise.reject(new Error('no\nmore'));
    expect(await ask()).toMatchObject({ status: 503, body: 'no more\n' });
  });

  it('shows a device no longer than it is there, and one anew from 0', async () => {
    await open();
    const truncate: MachineEvent = { name: 'PMEM_BACKING_FILE_CHANGED', data: { memdev: 'mem1', 'backing-file': '/srv/pmem.img', change: 'truncated', reason: '' } };
    const series = 'vpmem_backing_file_changes_total{change="truncated",device="nv1"}';
    events.emit(truncate);
    events.emit({ ...truncate, data: { ...truncate.data, memdev: 'other' } });
    expect(await figure(series)).toBe(1);
    devices = [];
    events.emit({ name: 'DEVICE_DELETED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } });
    expect((await ask()).body).not.toContain('nv1');
    devices = [sampleDevice({ flushes: { asked: 0, synced: 0, coalesced: 0, failed: 0, inFlight: 0 } })];
    expect(await figure(series)).toBe(0);
    expect(await figure('vpmem_flushes_asked_total{device="nv1"}')).toBe(0);
  });

  it('at the same time as others costs the devices one question', async () => {
    await open();
    // They come in one piece, so that all are there when the first is asked for.
    const request = (more = ''): string => `GET /metrics HTTP/1.1\r\nhost: a\r\n${more}\r\n`;
    const answers = await send(request().repeat(7) + request('connection: close\r\n'));
    expect([answers.match(/^HTTP\/1\.1 200 OK/gm)?.length, asked]).toEqual([8, 1]);
  });
});

describe('somebody hostile', () => {
  it.each([
    ['noise', '\0\x01\xff\r\n\r\n', '400'],
    ['TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', '400'],
    ['headers without end', `GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`, '431'],
    ['a request that is smuggled', 'GET /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n', '400'],
  ])('sends %s, and is hung up on', async (_, bytes, status) => {
    await open();
    expect(await send(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`));
    expect(asked).toBe(0);
    expect((await ask()).status).toBe(200);
  });

  it('opens a thousand connections: sixteen are kept, and the devices hear nothing of it', async () => {
    await open();
    const sockets: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 1000; i++) sockets.push(connect(port()).on('error', () => undefined).on('close', () => closed++));
    await expect.poll(() => closed, { timeout: 60_000 }).toBe(1000 - 16);
    expect(asked).toBe(0);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await ask().catch(() => undefined))?.status, { timeout: 60_000 }).toBe(200);
  });

  it('does not read: nobody else waits, and who closes does not either', async () => {
    await open();
    devices = Array.from({ length: 256 }, (_, i) => sampleDevice({ id: `nv${i}`, path: `/machine/peripheral/nv${i}` }));
    const slow = connect(port());
    slow.on('error', () => undefined);
    slow.pause();
    slow.write('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(8));
    expect((await ask()).status).toBe(200);
    await server?.close();
    server = undefined;
    slow.destroy();
  });
});

describe('where it listens', () => {
  it('at a unix socket for its user alone, which is gone afterwards', async () => {
    const path = join(folder, 'm.sock');
    await open(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const asking = request({ socketPath: path, path: '/metrics' }).end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    expect(readExposition(await text(response)).get('vpmem_flushes_asked_total{device="nv1"}')).toBe(11);
    expect(server?.location).toBe(`unix:${path}`);
    await server?.close();
    server = undefined;
    expect(existsSync(path)).toBe(false);
  });

  it('a socket that a dead process left is replaced', async () => {
    const path = join(folder, 'm.sock');
    closeSync(listenUnix(path));
    await open(path);
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ['a file', (path: string) => path, 'exists and is no socket; name another path'],
    ['too long a path', (path: string) => path + 'x'.repeat(120), 'the system allows 107, so name a shorter one'],
    ['a folder that is not there', () => '/nowhere/m.sock', "there is no folder '/nowhere'; make it, or name another path"],
  ])('not at %s, which stays as it is', async (_, name, message) => {
    const path = join(folder, 'file');
    writeFileSync(path, 'kept');
    await expect(open(name(path))).rejects.toThrow(message);
    expect(statSync(path).size).toBe(4);
  });

  it('not where somebody listens', async () => {
    const first = await open();
    await expect(open(String(port()))).rejects.toThrow(/somebody is listening at 127\.0\.0\.1:\d+ already; name another port/);
    await first.close();
    const path = `unix:${folder}/m.sock`;
    const other = await open(path);
    await expect(open(path)).rejects.toThrow('somebody is listening at');
    expect(existsSync(`${folder}/m.sock`)).toBe(true);
    server = other;
  });

  it('beyond this machine with a warning', async () => {
    const first = await open('127.0.0.1:0');
    expect(warnings).toEqual([]);
    await first.close();
    await open('0.0.0.0:0');
    expect(warnings).toEqual([expect.stringContaining('listen on 127.0.0.1 unless that is meant')]);
  });
});

function deferred(): { readonly promise: Promise<readonly PmemInfo[]>; readonly resolve: (devices: readonly PmemInfo[]) => void } {
  let resolve: (devices: readonly PmemInfo[]) => void = () => undefined;
  const promise = new Promise<readonly PmemInfo[]>((settle) => (resolve = settle));
  return { promise, resolve };
}
