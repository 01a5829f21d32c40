import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_WAITING } from '@vpmem/chardev';
import { FakeMachine } from './fake-machine.ts';
import { NO_MONITORS, planMonitors } from './monitor-plan.ts';
import { Monitors } from './monitors.ts';
import { TextClient } from './text-client.ts';

const MIB = 2 ** 20;
const PROMPT = '(vpmem) ';
let folder: string;
let machine: FakeMachine;
let monitors: Monitors;
let internalErrors: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-survival-'));
  machine = new FakeMachine();
  internalErrors = [];
  const unix = (name: string): string => `unix:${join(folder, name)},server=on,wait=off`;
  const plan = planMonitors({ ...NO_MONITORS, monitor: [unix('hmp')], qmp: [unix('qmp'), unix('other')] });
  monitors = await Monitors.open(plan, machine, { program: 'p', version: 'v', warn: () => undefined, internalError: (error) => internalErrors.push(error) });
});

afterEach(async () => {
  await monitors.close();
  rmSync(folder, { recursive: true });
  expect(internalErrors).toEqual([]);
});

const connect = (name: string): Promise<TextClient> => TextClient.connect({ path: join(folder, name) });

async function negotiated(): Promise<TextClient> {
  const client = await connect('qmp');
  client.send('{"execute":"qmp_capabilities"}');
  await client.until('{"return": {}}');
  return client;
}

/** Both kinds of monitors still answer. */
async function expectAlive(): Promise<void> {
  const human = await connect('hmp');
  await human.until(PROMPT);
  human.send('info name\n');
  expect(await human.until(PROMPT)).toContain('fake');
  human.close();
  const program = await QmpClient.connect({ path: join(folder, 'other') });
  expect(await program.execute('query-name')).toEqual({ name: 'fake' });
  program.close();
}

/** Bytes that look like nothing, the same ones every time. */
function garbage(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 12345;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    // No Ctrl-D: at the start of a line it hangs up.
    bytes[at] = state >>> 24 === 4 ? 0 : state >>> 24;
  }
  return bytes;
}

describe('monitors survive', () => {
  it('garbage', { timeout: 120_000 }, async () => {
    const program = await negotiated();
    program.send(garbage(MIB / 16));
    program.send(Buffer.from('\n\xff\n{"execute":"query-name","id":"after"}', 'latin1'));
    await program.until('"after"');
    program.close();
    const human = await connect('hmp');
    human.send(garbage(MIB / 16));
    human.send('\x15\r\ninfo status\n');
    await human.until('VM status: running');
    human.close();
    await expectAlive();
  });

  it('half a message', async () => {
    const program = await negotiated();
    program.send('{"execute":"quit"');
    program.close();
    const human = await connect('hmp');
    human.send('quit');
    human.close();
    await expectAlive();
    expect(machine.calls).toEqual([]);
  });

  it('strings of 64 MiB', { timeout: 120_000 }, async () => {
    const program = await negotiated();
    program.send('{"execute":"');
    for (let count = 0; count < 65; count++) program.send('x'.repeat(MIB));
    program.send('"}\n{"execute":"query-name","id":"after"}');
    expect(await program.until('"after"')).toContain('JSON token size limit exceeded');
    // So long a number would be worked on for half a minute, so long a word take gigabytes.
    for (const [id, line] of [['number', 'object_add memory-backend-ram,id=x,size=@'], ['word', 'device_del \\"@\\"']] as const) {
      program.send(`{"execute":"human-monitor-command","id":"${id}","arguments":{"command-line":"${line.replace('@', '1'.repeat(60 * MIB))}"}}`);
      expect(await program.until(`"${id}"`)).toMatch(/Error: the line has 629\d{5} characters; a command has at most 1048576/);
    }
    program.close();
    const human = await connect('hmp');
    for (let count = 0; count < 64; count++) human.send('x'.repeat(MIB));
    human.send('\ninfo status\n');
    await human.until('VM status: running');
    human.close();
    await expectAlive();
  });

  it('deep nesting', async () => {
    const program = await negotiated();
    program.send(Buffer.from(`${'['.repeat(100_000)}\n\xff\n{"execute":"query-name","id":"after"}`, 'latin1'));
    expect(await program.until('"after"')).toContain('JSON nesting depth limit exceeded');
    program.close();
    const human = await connect('hmp');
    human.send(`object_add {"a":${'['.repeat(4000)}\n`);
    await human.until('Error: JSON nesting depth limit exceeded');
    human.close();
    await expectAlive();
  });

  it('a thousand connections', { timeout: 60_000 }, async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    const clients: TextClient[] = [];
    // One by one, for node accepts one each time round its loop and the system lets only 511 wait for that.
    for (let count = 0; count < 1000; count++) clients.push(await connect('hmp'));
    const outcomes = clients.map(async (client) => {
      const served = await client.until(PROMPT).then(() => true, () => false);
      client.close();
      return served;
    });
    // The first, and those that were let wait for it to leave.
    expect((await Promise.all(outcomes)).filter((served) => served)).toHaveLength(1 + MAX_WAITING);
    await expectAlive();
    expect(descriptors()).toBeLessThanOrEqual(before + 5);
  });

  it('a client that never reads its events', async () => {
    const silent = await negotiated();
    silent.socket.pause();
    for (let count = 0; count < 50_000; count++) machine.emit({ name: 'RESUME', data: {} });
    await expectAlive();
    silent.socket.resume();
    await silent.untilEnd();
    silent.close();
    (await negotiated()).close();
  });

  it.each(['hmp', 'qmp'])('a client that vanishes in the middle of a command (%s)', async (name) => {
    let open: () => void = () => undefined;
    machine.gate = new Promise((resolve) => (open = resolve));
    const client = name === 'hmp' ? await connect('hmp') : await negotiated();
    const add = { 'qom-type': 'memory-backend-file', id: 'm', 'mem-path': 'p', size: 4096 };
    client.send(name === 'hmp' ? `object_add ${JSON.stringify(add)}\n` : JSON.stringify({ execute: 'object-add', arguments: add }));
    if (name === 'hmp') await client.until('object_add');
    client.socket.destroy();
    open();
    await expectAlive();
    if (name === 'qmp') (await negotiated()).close();
  });
});
