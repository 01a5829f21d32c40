import { closeSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenUnix } from '@vpmem/native';
import { qmpEvents } from '@vpmem/qmp';
import { QmpClient } from '@vpmem/qmp/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_WAITING } from '@vpmem/chardev';
import { FakeMachine } from './fake-machine.ts';
import { NO_MONITORS, planMonitors, type MonitorOptions } from './monitor-plan.ts';
import type { About } from './about.ts';
import { Monitors } from './monitors.ts';
import { TextClient } from './text-client.ts';

let folder: string;
let machine: FakeMachine;
let told: string[];
const cleanup: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-monitor-'));
  machine = new FakeMachine();
  told = [];
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
  rmSync(folder, { recursive: true });
});

const path = (name = 'm.sock'): string => join(folder, name);
const unix = (name = 'm.sock', more = ',wait=off'): string => `unix:${path(name)},server=on${more}`;

async function open(options: Partial<MonitorOptions>, about: Partial<About> = {}): Promise<Monitors> {
  const monitors = await Monitors.open(planMonitors({ ...NO_MONITORS, ...options }), machine, {
    program: 'vpmemd',
    version: '1.2.3',
    warn: (text) => void told.push(`warning: ${text}`),
    info: (text) => void told.push(text),
    internalError: (error) => void told.push(`internal error: ${String(error)}`),
    ...about,
  });
  cleanup.push(() => monitors.close());
  return monitors;
}

async function client(where: { path: string } | { port: number; host?: string } = { path: path() }): Promise<TextClient> {
  const connected = await TextClient.connect(where);
  cleanup.push(() => connected.close());
  return connected;
}

async function qmp(name = 'm.sock'): Promise<QmpClient> {
  const connected = await QmpClient.connect({ path: path(name) });
  cleanup.push(() => connected.close());
  return connected;
}

const PROMPT = '(vpmem) ';
const port = (endpoint: string | undefined): number => Number(/:(\d+),/.exec(endpoint ?? '')?.[1]);

/** Listens at a path as somebody else would. */
function hold(): void {
  const fd = listenUnix(path('b'));
  cleanup.push(() => closeSync(fd));
}

describe('a unix socket', () => {
  it('is private, and gone afterwards', async () => {
    const monitors = await open({ monitor: [unix()] });
    expect(monitors.endpoints).toEqual([`unix:${path()},server=on`]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    await monitors.close();
    expect(existsSync(path())).toBe(false);
    expect(machine.listeners).toBe(0);
  });

  it('stays where it is if it is somebody else’s by then', async () => {
    const monitors = await open({ monitor: [unix()] });
    renameSync(path(), path('moved'));
    writeFileSync(path(), 'mine');
    await monitors.close();
    expect(existsSync(path())).toBe(true);
  });

  it('takes the place of one that a dead process left behind', async () => {
    closeSync(listenUnix(path()));
    await open({ monitor: [unix()] });
    await (await client()).until(PROMPT);
  });

  it.each<[name: string, prepare: () => void, code: string, message: RegExp]>([
    ['in use', hold, 'socket-in-use', /somebody is listening/],
    ['a file', () => writeFileSync(path('b'), ''), 'socket-path', /is no socket/],
    ['in no folder', () => undefined, 'listen', /cannot listen at/],
    ['too long', () => undefined, 'socket-path', /the system allows 107/],
  ])('is refused where it is %s, and nothing is left of the others', async (name, prepare, code, message) => {
    prepare();
    const bad = { 'in no folder': 'none/b', 'too long': 'b'.repeat(108) }[name] ?? 'b';
    const failed = open({ monitor: [unix('a')], qmp: [unix(bad)] });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    await expect(failed).rejects.toThrow(/^-qmp unix:/);
    expect(existsSync(path('a'))).toBe(false);
    expect(machine.listeners).toBe(0);
  });
});

describe('TCP and telnet', () => {
  it('listen on this machine alone, on the port that was free', async () => {
    const monitors = await open({ monitor: ['tcp::0,server=on,wait=off'] });
    expect(monitors.endpoints).toEqual([expect.stringMatching(/^tcp:127\.0\.0\.1:[1-9]\d*,server=on$/) as string]);
    const { socket } = await client({ port: port(monitors.endpoints[0]) });
    expect(socket.remoteAddress).toBe('127.0.0.1');
  });

  it('warn when others can reach them', async () => {
    await open({ monitor: ['tcp:0.0.0.0:0,server=on,wait=off'] });
    expect(told).toEqual([expect.stringMatching(/^warning: -monitor tcp:0\.0\.0\.0:0.*a monitor opens files/) as string]);
  });

  it('refuse a port that is taken', async () => {
    const monitors = await open({ monitor: ['tcp::0,server=on,wait=off'] });
    await expect(open({ qmp: [`tcp::${port(monitors.endpoints[0])},server=on,wait=off`] })).rejects.toMatchObject({ code: 'socket-in-use' });
  });

  it('negotiate, and understand what a telnet client sends', async () => {
    const monitors = await open({ monitor: ['telnet::0,server=on,wait=off'] });
    const telnet = await client({ port: port(monitors.endpoints[0]) });
    expect(await telnet.until(PROMPT)).toMatch(/^\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00vpmemd 1\.2\.3 monitor/);
    telnet.send(Buffer.from('\xff\xfd\x01\xff\xfd\x03info sta\xff\xfb\x00tus\r\0', 'latin1'));
    expect(await telnet.until(PROMPT)).toBe('info status\r\nVM status: running\r\n(vpmem) ');
  });
});

describe('clients', () => {
  it('are served one after the other, each from the start', async () => {
    await open({ monitor: [unix()] });
    const first = await client();
    await first.until(PROMPT);
    const second = await client();
    second.send('info chardev\n');
    first.send('info name\n');
    expect(await first.until(PROMPT)).toContain('fake');
    first.close();
    expect(await second.until(PROMPT)).toMatch(/^vpmemd 1\.2\.3 monitor/);
    expect(await second.until(PROMPT)).toContain(`compat_monitor0: filename=unix:${path()},server=on\r\n`);
  });

  it('may send all they have to say and close their side', async () => {
    await open({ monitor: [unix()], qmp: [unix('q')] });
    const human = await client();
    human.send('info status\ninfo name\n');
    human.finish();
    expect(await human.untilEnd()).toMatch(/VM status: running\r\n.*fake\r\n\(vpmem\) $/s);
    const program = await client({ path: path('q') });
    program.send('{"execute":"qmp_capabilities"}{"execute":"query-name","id":7}');
    program.finish();
    expect(await program.untilEnd()).toMatch(/\{"return": \{\}\}\r\n\{"return": \{"name": "fake"\}, "id": 7\}\r\n$/);
  });

  it.each(['hmp', 'qmp'])('that closed their side get the answer that takes longer (%s)', async (name) => {
    await open({ monitor: [unix('hmp')], qmp: [unix('qmp')] });
    let release: () => void = () => undefined;
    machine.gate = new Promise((resolve) => (release = resolve));
    const patient = await client({ path: path(name) });
    const add = '"qom-type":"memory-backend-file","id":"m","mem-path":"p","size":4096';
    patient.send(name === 'hmp' ? `object_add {${add}}\nqom-list /objects\n` : `{"execute":"qmp_capabilities"}{"execute":"object-add","arguments":{${add}}}{"execute":"qom-list","arguments":{"path":"/objects"}}`);
    patient.finish();
    await patient.until(name === 'hmp' ? '4096}' : '{"return": {}}');
    setTimeout(release, 50);
    expect(await patient.untilEnd()).toMatch(/child<memory-backend-file>/);
  });

  it(`wait, ${MAX_WAITING} of them; more are disconnected`, async () => {
    await open({ monitor: [unix()] });
    const served = await client();
    await served.until(PROMPT);
    const waiting = [];
    for (let count = 0; count < MAX_WAITING; count++) waiting.push(await client());
    expect(await (await client()).untilEnd()).toBe('');
    served.close();
    await waiting[0]!.until(PROMPT);
  });

  it('are served together with clients=N, each with its own line, and the next when one has left', async () => {
    await open({ monitor: [unix().replace(/$/, ',clients=2')] });
    const [first, second, third] = [await client(), await client(), await client()];
    await first.until(PROMPT);
    await second.until(PROMPT);
    first.send('info na');
    second.send('info status\n');
    await second.until('VM status');
    first.send('me\n');
    await first.until('fake');
    third.send('info name\n');
    first.close();
    await third.until('fake');
  });

  it('of a socket that connects out are whoever listens there, once', async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(path('out'), resolve));
    cleanup.push(() => server.close());
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const monitors = await open({ monitor: [`unix:${path('out')}`] });
    expect(monitors.endpoints).toEqual([]);
    const socket = await connected;
    socket.write('info chardev\n');
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.includes('filename')) break;
    }
    expect(received).toContain(`compat_monitor0: filename=unix:${path('out')}\r\n`);
    server.close();
    await expect(open({ monitor: [`unix:${path('nobody')}`] })).rejects.toMatchObject({ code: 'connect', message: expect.stringContaining('server=on') as string });
  });

  it('are waited for, if that is asked for', async () => {
    const opening = open({ monitor: [unix('m.sock', '')], qmp: [unix('q')] });
    let opened = false;
    void opening.then(() => (opened = true));
    const other = await qmpWhenThere('q');
    expect(await other.execute('query-name')).toEqual({ name: 'fake' });
    expect(opened).toBe(false);
    expect(told).toEqual([`vpmemd waiting for connection on: disconnected:unix:${path()},server=on`]);
    await (await client()).until(PROMPT);
    await opening;
  });

  it('are waited for until the signal comes', async () => {
    const abort = new AbortController();
    const opening = open({ monitor: [unix('m.sock', '')] }, { signal: abort.signal });
    const reason = new Error('SIGTERM');
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(existsSync(path())).toBe(false);
    expect(machine.listeners).toBe(0);
  });
});

/** A client of a monitor that is about to be opened. */
async function qmpWhenThere(name: string): Promise<QmpClient> {
  while (!existsSync(path(name))) await new Promise((resolve) => setTimeout(resolve, 5));
  return qmp(name);
}

describe('QMP', () => {
  it('greets, and speaks in lines or indented', async () => {
    await open({ qmp: [unix()], qmpPretty: [unix('p')] });
    expect(await (await client()).until('\r\n')).toBe(
      '{"QMP": {"version": {"qemu": {"major": 11, "minor": 1, "micro": 3}, "package": "vpmemd 1.2.3"}, "capabilities": ["oob"]}}\r\n',
    );
    expect(await (await client({ path: path('p') })).until('"major"')).toBe('{\r\n    "QMP": {\r\n        "version": {\r\n            "qemu": {\r\n                "major"');
  });

  it('tells every client of what happens, whoever made it happen', async () => {
    await open({ qmp: [unix('a'), unix('b')], monitor: [unix()] });
    const [a, b] = [await qmp('a'), await qmp('b')];
    const both = Promise.all([a.waitForEvent('STOP'), b.waitForEvent('STOP')]);
    const human = await client();
    human.send('stop\n');
    const [first] = await both;
    expect(first.timestamp.seconds).toBeGreaterThan(1_700_000_000);
  });

  it("passes a VM's own events on with their own time", async () => {
    await open({ qmp: [unix()] });
    const there = await qmp();
    const event = new Promise((resolve) => there.onEvent(resolve));
    machine.emit({ name: 'FOREIGN', data: { event: 'BLOCK_JOB_READY', data: { device: 'd' }, timestamp: { seconds: 5, microseconds: 6 } } });
    expect(await event).toEqual({ event: 'BLOCK_JOB_READY', data: { device: 'd' }, timestamp: { seconds: 5, microseconds: 6 } });
  });

  it('tells of a recording that could not be continued, as the schema has it', async () => {
    await open({ qmp: [unix()] });
    const there = await qmp();
    const event = there.waitForEvent('PMEM_RECORDING_INCOMPLETE');
    const data = { device: 'nv1', path: '/machine/peripheral/nv1', file: 'nv1.rec', reason: 'no space is left' };
    machine.emit({ name: 'PMEM_RECORDING_INCOMPLETE', data });
    expect((await event).data).toEqual(data);
    expect(qmpEvents.PMEM_RECORDING_INCOMPLETE.data.parse(data)).toEqual(data);
  });

  it('ends with the answer to quit, then the connection', async () => {
    const monitors = await open({ qmp: [unix()], monitor: [unix('h')] });
    let closed: Promise<void> | undefined;
    machine.onEvent(({ name }) => {
      if (name === 'SHUTDOWN') closed = monitors.close();
    });
    const program = await client();
    program.send('{"execute":"qmp_capabilities"}{"execute":"quit"}');
    expect(await program.untilEnd()).toMatch(/"SHUTDOWN", "data": \{"guest": false, "reason": "host-qmp-quit"\}\}\r\n\{"return": \{\}\}\r\n$/);
    await closed;
  });

  it('is over although a client does not read', async () => {
    const monitors = await open({ qmp: [unix()] });
    const silent = await client();
    await silent.until('\r\n');
    silent.socket.pause();
    silent.send('{"execute":"qmp_capabilities"}');
    for (let count = 0; count < 20_000; count++) silent.send('{"execute":"query-qmp-schema"}');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await monitors.close();
    expect(existsSync(path())).toBe(false);
  });
});
