import { closeSync, fstatSync, openSync } from 'node:fs';
import { MAX_FDS, MessageSocket, unixPair } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Channel } from './channel.ts';

let here: Channel;
let there: Channel;
/** The descriptor on which {@link there} hears; what is sent on another is its peer's. */
let raw: MessageSocket;
beforeEach(() => {
  const [a, b] = unixPair();
  raw = new MessageSocket(a);
  here = new Channel(a);
  there = new Channel(b);
});
afterEach(() => {
  here.close();
  there.close();
});

/** The head of a message, and its text. */
function message(length: number, fds: number, text = ''): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(length, 0);
  head.writeUInt32LE(fds, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe('Channel', () => {
  it('says and hears, one message after the other, each with its descriptors', async () => {
    const file = openSync('/dev/null', 'r');
    here.say({ first: 1 }, [file, file]);
    here.say({ second: 'two' });
    const first = await there.hear(1000);
    expect([first?.said, first?.fds.map((fd) => fstatSync(fd).rdev)]).toEqual([{ first: 1 }, [fstatSync(file).rdev, fstatSync(file).rdev]]);
    expect(await there.hear(1000)).toEqual({ said: { second: 'two' }, fds: [] });
    for (const fd of [file, ...(first?.fds ?? [])]) closeSync(fd);
  });

  it('puts a message together that comes byte by byte', async () => {
    const heard = there.hear(10_000);
    for (const byte of message(7, 0, '{"a":1}')) {
      raw.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect(await heard).toEqual({ said: { a: 1 }, fds: [] });
  });

  it('hears nothing of a process that has closed the connection, also in the middle of a message', async () => {
    raw.send(message(7, 0, '{"a"'));
    here.close();
    expect(await there.hear(1000)).toBeUndefined();
    expect(() => there.say({ a: 1 })).toThrow('the other side cannot be told anything any more');
  });

  it('says so after it has waited in vain', async () => {
    await expect(there.hear(20)).rejects.toMatchObject({ problem: 'broken', message: 'the other side said nothing for 0.02 s' });
  });

  it.each([
    ['no JSON', message(3, 0, 'abc'), 'speaks another language'],
    ['a list', message(2, 0, '[]'), 'speaks another language'],
    ['more bytes than a message has', message(2 ** 20 + 1, 0), 'speaks another language'],
    ['more descriptors than fit', message(2, MAX_FDS + 1, '{}'), 'speaks another language'],
    ['descriptors that did not come', message(2, 1, '{}'), '1 descriptors were to come, and 0 did'],
  ])('%s is refused', async (_, bytes, why) => {
    raw.send(bytes);
    await expect(there.hear(1000)).rejects.toThrow(why);
  });

  it('does not wait for who takes nothing', () => {
    const text = 'x'.repeat(100_000);
    expect(() => {
      for (;;) here.say({ text });
    }).toThrow('the other side does not listen');
  });
});
