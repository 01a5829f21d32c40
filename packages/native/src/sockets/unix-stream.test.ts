import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLoop } from '../events/event-loop.ts';
import { MessageSocket } from './message-socket.ts';
import { waitReadable } from '../events/poll.ts';
import { adoptSocket, unixPair } from './unix-socket.ts';
import { UnixStream } from './unix-stream.ts';

const FILE = join(tmpdir(), `vpmem-unix-stream-${process.pid}`);

describe('UnixStream', () => {
  let loop: EventLoop;
  let pumping: Promise<void>;
  let stream: UnixStream;
  let peer: MessageSocket;

  beforeEach(() => {
    loop = new EventLoop();
    pumping = loop.pump();
    const [ours, theirs] = unixPair();
    stream = new UnixStream(adoptSocket(ours), loop);
    stream.on('error', () => undefined);
    peer = new MessageSocket(theirs);
    writeFileSync(FILE, 'what is in the file');
  });

  afterEach(async () => {
    stream.destroy();
    peer.close();
    loop.stop();
    await pumping;
    loop.close();
    rmSync(FILE, { force: true });
  });

  const received = async (): Promise<Buffer> => ((await once(stream, 'data')) as [Buffer])[0];

  it('hands over bytes, and the descriptors that came with them when those are asked for', async () => {
    const fd = openSync(FILE, 'r');
    peer.send(Buffer.from('plain'));
    expect((await received()).toString()).toBe('plain');
    peer.send(Buffer.from('carrying'), [fd]);
    closeSync(fd);
    expect((await received()).toString()).toBe('carrying');
    expect(stream.takeDescriptors(5)).toEqual([]);
    const [came, ...more] = stream.takeDescriptors(6);
    expect(more).toEqual([]);
    expect(readFileSync(came ?? -1, 'utf8')).toBe('what is in the file');
    closeSync(came ?? -1);
  });

  it('sends descriptors with the first of their bytes, and closes them', async () => {
    const fd = openSync(FILE, 'r');
    const left = new Promise<void>((resolve) => stream.writeWith(Buffer.from('carrying'), [fd], () => resolve()));
    await left;
    expect(() => closeSync(fd)).toThrow(/EBADF/);
    expect(waitReadable(peer.fd, 1000)).toBe(true);
    const fds: number[] = [];
    const target = Buffer.alloc(100);
    expect(target.subarray(0, peer.receive(target, fds)).toString()).toBe('carrying');
    expect(fds).toHaveLength(1);
    fds.forEach((each) => closeSync(each));
  });

  it('ends when the other side does, after all that came, also while nobody reads', async () => {
    peer.send(Buffer.from('last words'));
    peer.close();
    // The loop hears of the end before anybody has asked for the words.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('last words');
  });

  it('waits for a peer that does not read, and loses nothing', async () => {
    const sent = Buffer.alloc(4 << 20, 'x');
    let left = false;
    stream.write(sent, () => (left = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left).toBe(false);
    let count = 0;
    const target = Buffer.alloc(65536);
    while (count < sent.length) {
      await new Promise(setImmediate);
      if (waitReadable(peer.fd, 0)) count += peer.receive(target, []);
    }
    expect(count).toBe(sent.length);
  });

  it('fails a write to a peer that has gone', async () => {
    peer.close();
    const error = await new Promise((resolve) => stream.write('anything', resolve));
    expect(error).toMatchObject({ code: 'EPIPE' });
  });

  it('closes descriptors that nobody took', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const fd = openSync(FILE, 'r');
    peer.send(Buffer.from('carrying'), [fd]);
    closeSync(fd);
    await received();
    expect(readdirSync('/proc/self/fd').length).toBe(before + 1);
    stream.destroy();
    await once(stream, 'close');
    expect(readdirSync('/proc/self/fd').length).toBe(before - 1);
  });
});
