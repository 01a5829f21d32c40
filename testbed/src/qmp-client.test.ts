import { Duplex } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';

let sent: { execute: string; arguments?: unknown; id: number }[];
let monitor: Duplex;
let client: QmpClient;
const say = (...messages: unknown[]): boolean => monitor.push(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(''));

beforeEach(() => {
  sent = [];
  monitor = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent.push(JSON.parse(chunk.toString()) as (typeof sent)[number]);
      done();
    },
  });
  client = new QmpClient(monitor);
});

describe('QmpClient', () => {
  it('enters command mode after the greeting', async () => {
    const negotiated = client.negotiate();
    expect(sent).toEqual([]);
    say({ QMP: { version: {} } });
    await expect.poll(() => sent).toMatchObject([{ execute: 'qmp_capabilities' }]);
    say({ return: {}, id: sent[0]?.id });
    await negotiated;
  });

  it('gives each answer to who asked, whatever the order', async () => {
    const answers = [client.execute('a', { x: 1 }), client.execute('b')];
    say({ return: 'of b', id: sent[1]?.id }, { return: 'of a', id: sent[0]?.id });
    expect(await Promise.all(answers)).toEqual(['of a', 'of b']);
    expect(sent[0]).toMatchObject({ execute: 'a', arguments: { x: 1 } });
  });

  it('fails with what QEMU says', async () => {
    const answer = client.execute('device_add');
    say({ error: { class: 'GenericError', desc: 'no bus' }, id: sent[0]?.id });
    await expect(answer).rejects.toMatchObject({ code: 'refused', message: 'device_add: GenericError: no bus' });
  });

  it('keeps an event for whoever asks later, and gives it once', async () => {
    const messages = ['one', 'two'].map((device) => ({ event: 'DEVICE_DELETED', data: { device } }));
    const answer = client.execute('sync');
    say(...messages, { return: {}, id: sent[0]?.id });
    await answer;
    const two = await client.event('DEVICE_DELETED', ({ data }) => data.device === 'two').event;
    expect(two.data).toEqual({ device: 'two' });
    expect((await client.event('DEVICE_DELETED').event).data).toEqual({ device: 'one' });
  });

  it('gives an event to who waits for it, and to nobody who has stopped waiting', async () => {
    const { cancel } = client.event('RESET');
    cancel();
    const { event } = client.event('RESET');
    say({ event: 'STOP' }, { event: 'RESET', data: { guest: true } });
    expect(await event).toEqual({ event: 'RESET', data: { guest: true } });
  });

  it('takes lines cut at every place', async () => {
    const answer = client.execute('a');
    for (const character of `${JSON.stringify({ return: 7, id: sent[0]?.id })}\n`) monitor.push(character);
    expect(await answer).toBe(7);
  });
});
