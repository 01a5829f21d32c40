import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AnswerPipe } from './answer-pipe.ts';
import { MessageSocket, WOULD_BLOCK } from './message-socket.ts';
import { adoptSocket, unixPair } from './unix-socket.ts';

const countDescriptors = (): number => readdirSync('/proc/self/fd').length;

let before: number;
let pipe: AnswerPipe;
let here: MessageSocket;
let peer: MessageSocket;
beforeEach(() => {
  before = countDescriptors();
  pipe = new AnswerPipe();
  const [ours, theirs] = unixPair();
  here = new MessageSocket(adoptSocket(ours));
  peer = new MessageSocket(theirs);
});
afterEach(() => {
  for (const each of [pipe, here, peer]) each.close();
  expect(countDescriptors()).toBe(before);
});

const received = (length: number): string => {
  const target = Buffer.alloc(length);
  return target.toString('utf8', 0, peer.receive(target, []));
};

it('holds what is put in, and moves it into a socket', () => {
  pipe.put(Buffer.from('answer'));
  expect(pipe.pending).toBe(6);
  expect([pipe.moveTo(here.fd, 100), pipe.pending, received(100)]).toEqual([6, 0, 'answer']);
  expect(pipe.moveTo(here.fd, 100)).toBe(WOULD_BLOCK);
});

it('keeps what a full socket does not take, byte for byte', () => {
  const chunk = Buffer.alloc(60_000, 'x');
  let full = 0;
  for (let sent = here.send(chunk); sent !== WOULD_BLOCK; sent = here.send(chunk)) full += sent;
  const answer = Buffer.from(Array.from({ length: 20_000 }, (_, i) => 97 + (i % 26)));
  pipe.put(answer);
  expect([pipe.moveTo(here.fd, answer.length), pipe.pending]).toEqual([WOULD_BLOCK, answer.length]);
  let got = '';
  let moved = 0;
  while (got.length < full + answer.length) {
    got += received(4096);
    if (moved < answer.length) moved += Math.max(0, pipe.moveTo(here.fd, answer.length - moved));
  }
  expect([moved, pipe.pending, got.slice(full)]).toEqual([answer.length, 0, answer.toString()]);
});

it('grows for what is longer than it holds at first, and says what it cannot hold', () => {
  expect([pipe.holds(4096), pipe.holds(65_568), pipe.holds(2 ** 20)]).toEqual([true, true, false]);
  pipe.put(Buffer.alloc(65_568));
  expect(pipe.pending).toBe(65_568);
});

it('goes on with the ends of another, and tells one that is none', () => {
  const other = new AnswerPipe([openSync(`/proc/self/fd/${pipe.readEnd}`, 'r'), openSync(`/proc/self/fd/${pipe.writeEnd}`, 'w')]);
  pipe.put(Buffer.from('kept'));
  const bytes = Buffer.alloc(8);
  expect([other.pending, readSync(other.readEnd, bytes)]).toEqual([4, 4]);
  other.close();
  const file = openSync('/dev/null', 'r');
  expect(() => new AnswerPipe([file, file]).pending).toThrow('ioctl FIONREAD');
  closeSync(file);
});

it('says that the peer is gone', () => {
  peer.close();
  pipe.put(Buffer.from('late'));
  expect(() => pipe.moveTo(here.fd, 4)).toThrow(expect.objectContaining({ code: 'EPIPE' }) as Error);
  [peer] = unixPair().map((fd) => new MessageSocket(fd)).map((each, i) => (i === 0 ? each : (each.close(), each))) as [MessageSocket];
});
