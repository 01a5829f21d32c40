import { createInterface } from 'node:readline';
import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { QmpClient } from './client.ts';
import { idleHandlers } from './idle-handlers.ts';
import { QmpConnectionError } from './qmp-connection-error.ts';
import { QmpError } from './qmp-error.ts';
import type { QmpHandlers } from './qmp-handlers.ts';
import type { QmpSession } from './qmp-session.ts';
import { serveQmp } from './serve-qmp.ts';

const version = { qemu: { major: 11, minor: 1, micro: 3 }, package: 'test' };
const GREETING = JSON.stringify({ QMP: { version, capabilities: [] } });

async function served(own: Partial<QmpHandlers> = {}): Promise<{ client: QmpClient; session: QmpSession }> {
  const [near, far] = duplexPair();
  const session = serveQmp(far, { version, handlers: idleHandlers(own) });
  return { client: await QmpClient.over(near), session };
}

/** A client of a server that says what the test says. */
function scripted(): { stream: Duplex; say: (...messages: (object | string)[]) => void; heard: () => Promise<Record<string, unknown>> } {
  const [near, far] = duplexPair();
  const lines = createInterface({ input: far })[Symbol.asyncIterator]();
  return {
    stream: near,
    say: (...messages) => void far.write(messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message))).join('\r\n') + '\r\n'),
    heard: async () => JSON.parse((await lines.next()).value as string) as Record<string, unknown>,
  };
}

/** The same, negotiated. */
async function greeted(): Promise<ReturnType<typeof scripted> & { client: QmpClient }> {
  const server = scripted();
  server.say(GREETING);
  const client = QmpClient.over(server.stream);
  const { id } = await server.heard();
  server.say({ return: {}, id });
  return { ...server, client: await client };
}

describe('commands', () => {
  it('are typed', async () => {
    const { client } = await served({ 'query-memory-size-summary': () => ({ 'base-memory': 2n ** 63n }), device_add: ({ driver, memdev }) => ({ device: { driver, memdev: memdev ?? null } }) });
    const summary = await client.execute('query-memory-size-summary');
    expectTypeOf(summary).toEqualTypeOf<{ 'base-memory': number | bigint; 'plugged-memory'?: number | bigint }>();
    expect(summary).toEqual({ 'base-memory': 2n ** 63n });
    expect(await client.execute('device_add', { driver: 'virtio-pmem-pci', memdev: 'mem1' })).toEqual({ device: { driver: 'virtio-pmem-pci', memdev: 'mem1' } });
    client.close();
  });

  it('that are wrong do not compile, and are refused by the server', async () => {
    const { client } = await served();
    // @ts-expect-error no such command
    await expect(client.execute('device-add', { driver: 'x' })).rejects.toThrow();
    // @ts-expect-error the id is missing
    await expect(client.execute('device_del', {})).rejects.toThrow("Parameter 'id' is missing");
    // @ts-expect-error no arguments at all
    await expect(client.execute('device_del')).rejects.toThrow("Parameter 'id' is missing");
    // @ts-expect-error the id is a string
    await expect(client.execute('device_del', { id: 1 })).rejects.toThrow("Invalid parameter type for 'id', expected: string");
    // @ts-expect-error no such argument
    await expect(client.execute('device_del', { id: 'a', force: true })).rejects.toThrow("Parameter 'force' is unexpected");
    // @ts-expect-error no arguments are taken
    await expect(client.execute('query-status', { all: true })).rejects.toThrow("Parameter 'all' is unexpected");
    client.close();
  });

  it('that fail tell class and words', async () => {
    const { client } = await served();
    const error = await client.execute('device_del', { id: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({ errorClass: 'DeviceNotFound', message: "Device 'x' not found" });
    await expect(client.executeAny('x-unknown')).rejects.toMatchObject({ errorClass: 'CommandNotFound' });
    client.close();
  });

  it('may be answered in any order, with events between, and in pieces', async () => {
    const { client, say, heard } = await greeted();
    const [first, second] = [client.executeAny('a'), client.executeAny('b')];
    const ids = [(await heard()).id, (await heard()).id];
    const event = client.waitForEvent('STOP');
    const text = JSON.stringify({ return: 2, id: ids[1] });
    const [head, tail] = [text.slice(0, 11), text.slice(11)];
    say(head, `${tail} `, { event: 'STOP', timestamp: { seconds: 1, microseconds: 2 } }, { return: 1, id: ids[0] });
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(await event).toEqual({ event: 'STOP', timestamp: { seconds: 1, microseconds: 2 } });
    client.close();
  });

  it('overtake where they may', async () => {
    let release = (): void => undefined;
    const { client } = await served({ 'object-add': () => new Promise((resolve) => (release = () => resolve({}))) });
    expect(client.outOfBand).toBe(true);
    const slow = client.execute('object-add', { 'qom-type': 'x', id: 'x' });
    expect(await client.execute('query-pmem', {}, { outOfBand: true })).toEqual([]);
    release();
    expect(await slow).toEqual({});
    client.close();
  });

  it('that are answered otherwise than the schema says are an error, except for more members', async () => {
    const { client, say, heard } = await greeted();
    const more = client.execute('query-status');
    say({ return: { running: true, status: 'running', later: 1 }, id: (await heard()).id });
    expect(await more).toEqual({ running: true, status: 'running', later: 1 });
    const wrong = client.execute('query-status');
    say({ return: { running: 'yes', status: 'running' }, id: (await heard()).id });
    await expect(wrong).rejects.toMatchObject({ code: 'bad-answer', message: expect.stringContaining("'query-status'") as string });
    client.close();
  });
});

describe('events', () => {
  const data = { path: '/machine/peripheral/a', device: 'a' };

  it('are heard until one does not want to any more', async () => {
    const { client, session } = await served();
    const heard: string[] = [];
    const stop = client.on('DEVICE_DELETED', (event) => heard.push(event.data.path));
    const stopAll = client.onEvent(({ event }) => heard.push(event));
    session.event('DEVICE_DELETED', data);
    session.event('STOP', {});
    await client.execute('query-name');
    stop();
    stopAll();
    session.event('DEVICE_DELETED', data);
    await client.execute('query-name');
    expect(heard).toEqual(['/machine/peripheral/a', 'DEVICE_DELETED', 'STOP']);
    client.close();
  });

  it('are waited for', async () => {
    const { client, session } = await served();
    const event = client.waitForEvent('DEVICE_DELETED', ({ data: { device } }) => device === 'a');
    session.event('DEVICE_DELETED', { path: '/x' });
    session.event('DEVICE_DELETED', data, { seconds: 1, microseconds: 2 });
    expect(await event).toEqual({ event: 'DEVICE_DELETED', data, timestamp: { seconds: 1, microseconds: 2 } });

    const controller = new AbortController();
    const never = client.waitForEvent('RESET', undefined, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
    await expect(client.waitForEvent('RESET', undefined, { signal: controller.signal })).rejects.toThrow('enough');
    const lost = client.waitForEvent('RESET');
    client.close();
    await expect(lost).rejects.toMatchObject({ code: 'ended' });
    await expect(client.waitForEvent('RESET')).rejects.toMatchObject({ code: 'ended' });
  });
});

describe('a connection', () => {
  it('that ends takes with it what is pending, and what is asked later', async () => {
    const { client, stream, heard } = await greeted();
    const pending = client.executeAny('x');
    await heard();
    stream.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'ended' });
    await expect(client.executeAny('y')).rejects.toBeInstanceOf(QmpConnectionError);
    expect((await client.ended).code).toBe('ended');
  });

  it('on which errors say nothing is ended, and who asked hears of it', async () => {
    const { client, say, heard } = await greeted();
    const pending = client.executeAny('x');
    say({ error: 'no', id: (await heard()).id });
    await expect(pending).rejects.toMatchObject({ code: 'not-qmp' });
  });

  it('that cannot be had says why', async () => {
    await expect(QmpClient.connect({ path: '/nowhere/at/all' })).rejects.toMatchObject({ code: 'ended', message: expect.stringContaining('ENOENT') as string });
  });

  it('is given up when the signal says so', async () => {
    const { stream } = scripted();
    const controller = new AbortController();
    const client = QmpClient.over(stream, { signal: controller.signal });
    controller.abort();
    await expect(client).rejects.toMatchObject({ code: 'aborted' });
    expect(stream.destroyed).toBe(true);
    await expect(QmpClient.over(scripted().stream, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });

  it.each([
    ['something that is no JSON', 'SSH-2.0-OpenSSH_9.2'],
    ['something that is no object', '[]'],
    ['a greeting without capabilities', { QMP: { version } }],
    ['an answer that nobody asked for', { return: {}, id: 7 }],
  ])('to %s is no QMP', async (_, said) => {
    const { stream, say } = scripted();
    say(said);
    await expect(QmpClient.over(stream)).rejects.toMatchObject({ code: 'not-qmp' });
    expect(stream.destroyed).toBe(true);
  });
});
