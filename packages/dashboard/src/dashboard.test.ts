import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, type Answer } from '../tests/http-request.ts';
import { GivenRounds, sampleDaemon, sampleDevice, sampleRound } from '../tests/sample-rounds.ts';
import { Dashboard, type DashboardOptions } from './dashboard.ts';
import type { History, Snapshot } from './snapshot.ts';

let folder: string;
let rounds: GivenRounds;
const running: Dashboard[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-dashboard-'));
  rounds = new GivenRounds();
});
afterEach(async () => {
  rounds.end();
  for (const dashboard of running.splice(0)) await dashboard.close();
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<DashboardOptions> = {}): Promise<{ readonly address: string; readonly token: string; readonly port: string }> {
  const dashboard = await Dashboard.start({ rounds, ...options });
  running.push(dashboard);
  const { address } = dashboard;
  return { address, token: new URL(address).searchParams.get('token')!, port: new URL(address).port };
}

type Started = Awaited<ReturnType<typeof start>>;

const get = ({ address, token }: Started, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => ask(address, path, { headers: { 'x-vpmem-token': token, ...headers } });
const post = ({ address, token, port }: Started, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(address, '/api/control', { method: 'POST', headers: { 'x-vpmem-token': token, origin: `http://127.0.0.1:${port}`, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const state = async (started: Started, after = 0): Promise<Snapshot> => JSON.parse((await get(started, `/api/state?after=${after}`)).text) as Snapshot;

describe('who is answered', () => {
  it('whoever has the token, which is 128 bits and another each time', async () => {
    const [one, other] = [await start(), await start({ rounds: new GivenRounds() })];
    expect(Buffer.from(one.token, 'base64url')).toHaveLength(16);
    expect(one.token).not.toBe(other.token);
    expect((await ask(one.address, `/?token=${one.token}`)).status).toBe(200);
    expect((await get(one, '/api/nothing')).text).toBe('there is nothing of that name here\n');
  });

  it.each(['/', '/?token=', '/?token=wrong', '/api/state', '/api/history', '/report/x/y.html', '/nothing', '/api/control'])('nobody without it, with one plain line: %s', async (path) => {
    const { address } = await start({ reports: folder });
    const { status, headers, text } = await ask(address, path);
    expect([status, headers['content-type'], text]).toEqual([403, 'text/plain; charset=utf-8', "the token is missing or is not this page's: open the address that vpmem dashboard printed when it started\n"]);
  });

  it('nobody who has the token in another place than it belongs in, or that of another part', async () => {
    const started = await start({ reports: folder });
    rounds.give(sampleRound(1, []));
    const { reports } = await state(started);
    expect((await ask(started.address, `/api/state?token=${started.token}`)).status).toBe(403);
    expect((await ask(started.address, '/', { headers: { 'x-vpmem-token': started.token } })).status).toBe(403);
    expect((await ask(started.address, `/report/${started.token}/x.html`)).status).toBe(403);
    expect((await get(started, '/api/state', { 'x-vpmem-token': reports!.base.split('/')[2]! })).status).toBe(403);
  });

  it.each(['evil.example', 'evil.example:PORT', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example:PORT', '[::1]:PORT'])("not under another name, by which a page elsewhere would lead a browser here: '%s'", async (host) => {
    const started = await start();
    for (const path of [`/?token=${started.token}`, '/api/state', '/api/history']) {
      expect(await get(started, path, { host: host.replace('PORT', started.port) })).toMatchObject({ status: 403, text: expect.stringMatching(/^this is asked for by another name/) as string });
    }
  });

  it.each(['127.0.0.1', 'localhost'])('under its own: %s', async (name) => {
    const started = await start();
    expect((await get(started, `/?token=${started.token}`, { host: `${name}:${started.port}` })).status).toBe(200);
  });

  it.each([undefined, 'null', 'http://evil.example', 'http://127.0.0.1:1', 'https://127.0.0.1:PORT', 'http://localhost:PORT'])('nothing is changed for another page, even with the token: %s', async (origin) => {
    const started = await start({ control: true });
    const headers = { 'x-vpmem-token': started.token, ...(origin !== undefined && { origin: origin.replace('PORT', started.port) }) };
    expect(await ask(started.address, '/api/control', { method: 'POST', headers, body: '{}' })).toMatchObject({ status: 403, text: expect.stringMatching(/^another page asks/) as string });
  });

  it.each(['PUT', 'DELETE', 'OPTIONS', 'HEAD'])('no %s', async (method) => {
    const started = await start();
    expect((await ask(started.address, '/api/state', { method, headers: { 'x-vpmem-token': started.token } })).status).toBe(405);
  });

  it('with headers that let nobody else read, keep, frame or be told of it', async () => {
    const started = await start();
    const { headers } = await ask(started.address, `/?token=${started.token}`);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; img-src data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
  });
});

describe('what is told', () => {
  it('is the last round, once there is one that was not known', async () => {
    const started = await start();
    const waiting = state(started, 0);
    rounds.give(sampleRound(7, [sampleDaemon([sampleDevice({ id: 'nv1', rate: 30, risk: 4096 })])]));
    const { round, at, control, machines } = await waiting;
    expect([round, at, control, machines.length]).toEqual([1, 7000, false, 1]);
    expect(machines[0]).toMatchObject({ title: 'vm1', pid: 4711, state: 'running', devices: [{ info: { id: 'nv1', flushes: { asked: 1000 } }, rate: { asked: 30 }, recent: [30] }] });
    const next = state(started, 1);
    rounds.give(sampleRound(8, []));
    expect((await next).round).toBe(2);
  });

  it('sizes beyond 2^53 included', async () => {
    const started = await start();
    rounds.give(sampleRound(1, [sampleDaemon([sampleDevice({ id: 'nv1', info: { size: 2n ** 60n } })])]));
    expect((await state(started)).machines[0]!.devices[0]!.info.size).toBe(2 ** 60);
  });

  it('the history is of the device that was asked for, and of no other with its id', async () => {
    const started = await start();
    const other = { name: 'vm2', pid: 4712 };
    for (const second of [1, 2]) rounds.give(sampleRound(second, [sampleDaemon([sampleDevice({ id: 'nv1', rate: 10 })]), sampleDaemon([sampleDevice({ id: 'nv1', rate: 200 })], other)]));
    const { machines } = await state(started, 1);
    const histories = await Promise.all(machines.map(async ({ devices }) => JSON.parse((await get(started, `/api/history?span=0&device=${encodeURIComponent(devices[0]!.key)}`)).text) as History));
    expect(histories.map(({ cells }) => cells.map(({ asked }) => asked))).toEqual([[10, 10], [200, 200]]);
    expect((await get(started, '/api/history?span=0&device=nv1')).status).toBe(404);
    expect((await get(started, '/api/history')).status).toBe(404);
  });

  it('events come once, those of programs that come, hang and go too', async () => {
    const started = await start();
    const failed = { time: 5, event: 'PMEM_FLUSH_FAILED', device: 'nv1', data: { device: 'nv1', reason: 'no space' } };
    rounds.give(sampleRound(1, [sampleDaemon([], { events: [failed] })]));
    rounds.give(sampleRound(2, [sampleDaemon([], { state: 'not answering', reason: 'no answer within 1 s' })]));
    rounds.give(sampleRound(3, [sampleDaemon([], { state: 'gone', reason: 'it has ended' })]));
    const { events } = await state(started, 2);
    expect(events.map(({ number, machine, device, text, tone }) => [number, machine, device, text, tone])).toEqual([
      [1, 'vm1', 'nv1', 'a flush failed, and all later ones do: no space', 'bad'],
      [2, 'vm1', undefined, 'vpmemd runs, process 4711', 'plain'],
      [3, 'vm1', undefined, 'it does not answer: no answer within 1 s', 'warn'],
      [4, 'vm1', undefined, 'it has ended', 'warn'],
    ]);
    expect((JSON.parse((await get(started, '/api/state?events=3')).text) as Snapshot).events.map(({ number }) => number)).toEqual([4]);
  });

  it('a browser that hangs up while it waits is forgotten, and one that waits is let go at the end', async () => {
    const started = await start();
    const waiting = get(started, '/api/state?after=5');
    waiting.catch(() => undefined);
    await running[0]!.close();
    running.length = 0;
    await expect(waiting).rejects.toThrow();
  });
});

describe('control', () => {
  const request = { machine: '4711 2026-12-01T20:00:00.000Z', device: '4711 2026-12-01T20:00:00.000Z nv1', confirmed: 'nv1 of vm1', command: 'power-cut', arguments: { survivors: 'none' } };

  it('is refused by the server itself, unless it was started with it', async () => {
    const started = await start();
    rounds.give(sampleRound(1, [sampleDaemon([sampleDevice({ id: 'nv1' })])]));
    expect((await state(started)).control).toBe(false);
    expect(await post(started, request)).toMatchObject({ status: 403, text: 'this page may only look: vpmem dashboard was started without --control\n' });
  });

  it.each<[what: string, body: unknown, status: number, text: string]>([
    ['another device than was confirmed', { ...request, confirmed: 'nv2 of vm1' }, 409, "'nv2 of vm1' was confirmed, and this is 'nv1 of vm1': nothing was done\n"],
    ['a device that is gone', { ...request, device: 'nv1' }, 404, 'there is no such device any more\n'],
    ['what makes a file', { ...request, arguments: { image: '/tmp/x' } }, 400, 'what was asked for is not understood: power-cut takes survivors, granularity, seed, at-flush, phase here\n'],
    ['another command', { ...request, command: 'quit' }, 400, 'what was asked for is not understood: command has to be one of power-cut, flush-fault, flush-limit\n'],
    ['an object for a value', { ...request, arguments: { seed: {} } }, 400, 'what was asked for is not understood: seed has to be a text, a number or a truth value\n'],
    ['no object', 'null', 400, 'what was asked for is not understood: it wants machine, device and confirmed\n'],
    ['no JSON', '{', 400, 'what is asked for is not JSON\n'],
    ['a novel', `"${'x'.repeat(5000)}"`, 413, 'what is asked for takes more than 4096 bytes\n'],
    ['a program that is not there', request, 502, 'the program was not reached: the connection failed: connect ENOENT /nowhere/vpmemd-4711.qmp\n'],
  ])('does nothing for %s', async (_, body, status, text) => {
    const started = await start({ control: true });
    rounds.give(sampleRound(1, [sampleDaemon([sampleDevice({ id: 'nv1' })])]));
    await state(started);
    expect(await post(started, body)).toMatchObject({ status, text });
  });
});

describe('reports', () => {
  it('are listed, and served so that their scripts reach nothing', async () => {
    for (const name of ['a.html', 'b.html', 'c.txt']) writeFileSync(join(folder, name), `<p>${name}`);
    mkdirSync(join(folder, 'folder.html'));
    const started = await start({ reports: folder });
    rounds.give(sampleRound(1, []));
    const { reports } = await state(started);
    expect(reports!.reports.map(({ name }) => name).sort()).toEqual(['a.html', 'b.html']);
    const { status, headers, text } = await ask(started.address, `${reports!.base}a.html`);
    expect([status, text]).toEqual([200, '<p>a.html']);
    expect(headers['content-security-policy']).toMatch(/^sandbox allow-scripts; default-src 'none'; .*frame-ancestors 'self'$/);
  });

  it.each(['..%2Fsecret.html', '%2Fetc%2Fpasswd', 'c.txt', 'gone.html'])('no path leads out of the folder: %s', async (name) => {
    const inside = join(folder, 'inside');
    mkdirSync(inside);
    writeFileSync(join(folder, 'secret.html'), 'secret');
    const started = await start({ reports: inside });
    rounds.give(sampleRound(1, []));
    const { reports } = await state(started);
    expect(await ask(started.address, `${reports!.base}${name}`)).toMatchObject({ status: 404, text: 'there is no report of that name\n' });
  });

  it('what is no report is one line', async () => {
    writeFileSync(join(folder, 'other.json'), '{"a":1}');
    symlinkSync('/dev/zero', join(folder, 'endless.html'));
    const started = await start({ reports: folder });
    rounds.give(sampleRound(1, []));
    const { reports } = await state(started);
    expect(await ask(started.address, `${reports!.base}other.json`)).toMatchObject({ status: 500, text: expect.stringMatching(/^this could not be answered: .*other\.json.*\n$/) as string });
    expect(await ask(started.address, `${reports!.base}endless.html`)).toMatchObject({ status: 500, text: "this could not be answered: 'endless.html' is no file\n" });
  });

  it('a folder that is not there is said at once', async () => {
    await expect(start({ reports: join(folder, 'none') })).rejects.toThrow(`--reports ${join(folder, 'none')}: there is no such folder; name the one that vpmem explore writes its reports into`);
  });
});

describe('the port', () => {
  it('that somebody else has is one line that names the option', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(start({ port })).rejects.toThrow(`--port ${port}: something else listens there on 127.0.0.1; choose another, or 0 for any that is free`);
    other.close();
  });
});
