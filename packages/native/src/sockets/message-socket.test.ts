import { closeSync, fstatSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemfd, identifyFile } from '../memory/memfd.ts';
import { MAX_FDS, MessageSocket, WOULD_BLOCK } from './message-socket.ts';
import { unixPair } from './unix-socket.ts';

let a: MessageSocket;
let b: MessageSocket;
beforeEach(() => {
  const [x, y] = unixPair();
  a = new MessageSocket(x);
  b = new MessageSocket(y);
});
afterEach(() => {
  a.close();
  b.close();
});

describe('MessageSocket', () => {
  it('delivers bytes and descriptors together', () => {
    const fd = createMemfd('sent', 4096);
    expect(a.send(Buffer.from('hello'), [fd, fd])).toBe(5);
    const fds: number[] = [];
    const target = Buffer.alloc(5);
    expect(b.receive(target, fds)).toBe(5);
    expect(target.toString()).toBe('hello');
    expect(fds).toHaveLength(2);
    expect(fds).not.toContain(fd);
    expect(identifyFile(fds[0]!).inode).toBe(fstatSync(fd, { bigint: true }).ino);
    for (const each of [fd, ...fds]) closeSync(each);
  });

  it('does not read past what it was asked for, so descriptors stay with their message', () => {
    const fd = createMemfd('sent', 4096);
    a.send(Buffer.from('one'));
    a.send(Buffer.from('two'), [fd]);
    const fds: number[] = [];
    expect(b.receive(Buffer.alloc(3), fds)).toBe(3);
    expect(fds).toEqual([]);
    b.receive(Buffer.alloc(3), fds);
    expect(fds).toHaveLength(1);
    for (const each of [fd, ...fds]) closeSync(each);
  });

  it('carries as many descriptors as it says, and refuses more before sending any', () => {
    const fd = createMemfd('sent', 4096);
    const many = Array.from({ length: MAX_FDS }, () => fd);
    expect(() => a.send(Buffer.from('x'), [...many, fd])).toThrow(/at most 64 descriptors/);
    a.send(Buffer.from('x'), many);
    const fds: number[] = [];
    b.receive(Buffer.alloc(1), fds);
    expect(fds).toHaveLength(MAX_FDS);
    for (const each of [fd, ...fds]) closeSync(each);
  });

  it('closing without receiving leaks no descriptor', () => {
    const before = readdirSync('/proc/self/fd').length;
    const fd = createMemfd('sent', 4096);
    a.send(Buffer.from('x'), [fd]);
    closeSync(fd);
    a.close();
    b.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before - 2);
    [a, b] = unixPair().map((each) => new MessageSocket(each)) as [MessageSocket, MessageSocket];
  });

  it('returns 0 at the end of the stream and throws EPIPE when nobody listens', () => {
    a.close();
    expect(b.receive(Buffer.alloc(1), [])).toBe(0);
    expect(() => b.send(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }) as Error);
  });

  it('says when the peer does not read', () => {
    const chunk = Buffer.alloc(65536);
    let sent = 0;
    for (let count = a.send(chunk); count !== WOULD_BLOCK; count = a.send(chunk)) sent += count;
    expect(sent).toBeGreaterThan(0);
    b.receive(chunk, []);
  });

  it('peeks from its offset on, with duplicates of descriptors, and discards what was peeked', () => {
    const fd = createMemfd('sent', 4096);
    const open = readdirSync('/proc/self/fd').length;
    b.peekOffset = 0;
    a.send(Buffer.from('first'), [fd]);
    a.send(Buffer.from('second'));
    const fds: number[] = [];
    const target = Buffer.alloc(100);
    // It stops behind the bytes that descriptors came with.
    expect([b.peek(target, fds), fds.length, b.peekOffset]).toEqual([5, 1, 5]);
    expect([b.peek(target, fds), target.toString('utf8', 0, 6), fds.length, b.peekOffset]).toEqual([6, 'second', 1, 11]);
    expect(b.peek(target, fds)).toBe(WOULD_BLOCK);
    b.peekOffset = 2;
    expect([b.peek(target, fds), fds.length]).toEqual([3, 2]);
    b.peekOffset = 11;
    b.discard(5);
    expect(b.peekOffset).toBe(6);
    b.discard(6);
    expect(b.peekOffset).toBe(0);
    for (const each of fds) closeSync(each);
    expect(readdirSync('/proc/self/fd').length).toBe(open);
    a.close();
    expect(b.peek(target, fds)).toBe(0);
    closeSync(fd);
  });

  it('discards what came in many pieces', () => {
    b.peekOffset = 0;
    for (let i = 0; i < 80; i++) a.send(Buffer.alloc(1000, i));
    const target = Buffer.alloc(80_001);
    expect(b.peek(target, [])).toBe(80_000);
    expect(target.every((byte, i) => byte === Math.floor(i / 1000) || i === 80_000)).toBe(true);
    b.discard(80_000);
    expect([b.peekOffset, b.peek(target, [])]).toEqual([0, WOULD_BLOCK]);
  });
});
