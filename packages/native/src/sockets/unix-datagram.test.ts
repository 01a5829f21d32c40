import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { check, socket } from '../libc.ts';
import { DatagramInbox } from '../testing.ts';
import { sendDatagram, socketAddress } from './unix-datagram.ts';

let folder: string;
let inbox: DatagramInbox | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-native-'));
});
afterEach(() => {
  inbox?.close();
  rmSync(folder, { recursive: true });
});

it('each call arrives as one datagram, whole, at a path', () => {
  const path = join(folder, 's');
  inbox = new DatagramInbox(path);
  sendDatagram(path, Buffer.from('READY=1\nSTATUS=a'));
  sendDatagram(path, Buffer.from('WATCHDOG=1'));
  expect(inbox.take()).toEqual(['READY=1\nSTATUS=a', 'WATCHDOG=1']);
  expect(inbox.take()).toEqual([]);
});

it('and at an abstract name', () => {
  inbox = new DatagramInbox(`@vpmem-test-${process.pid}`);
  sendDatagram(`@vpmem-test-${process.pid}`, Buffer.from('x'));
  expect(inbox.take()).toEqual(['x']);
});

it('does not wait for who does not read: a full queue is an error, and there is room again when it has been read', () => {
  inbox = new DatagramInbox(`@vpmem-test-${process.pid}`);
  let sent = 0;
  // More than any queue is long by default (net.unix.max_dgram_qlen).
  const send = (): void => {
    for (; sent < 100_000; sent++) sendDatagram(`@vpmem-test-${process.pid}`, Buffer.from('x'));
  };
  expect(send).toThrow(expect.objectContaining({ code: 'EAGAIN', syscall: 'sendto' }) as Error);
  expect(sent).toBeGreaterThan(0);
  expect(inbox.take()).toHaveLength(sent);
  sendDatagram(`@vpmem-test-${process.pid}`, Buffer.from('y'));
  expect(inbox.take()).toEqual(['y']);
});

it('writes addresses as unix(7) has them: a path ends with a NUL, an abstract name begins with one and ends where it ends', () => {
  expect([...socketAddress('/s')]).toEqual([1, 0, 0x2f, 0x73, 0]);
  expect([...socketAddress('@s')]).toEqual([1, 0, 0, 0x73]);
});

it('says what is wrong', () => {
  expect(() => sendDatagram(join(folder, 'none'), Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
  expect(() => sendDatagram('x'.repeat(108), Buffer.from('x'))).toThrow(/at most 107 bytes.*has 108/);
});

it('leaves no descriptor open, whether it could send or not: the next one has the number of the last', () => {
  const numbers = [0, 1].map(() => {
    const fd = check(socket(1, 2, 0), 'socket');
    closeSync(fd);
    expect(() => sendDatagram(join(folder, 'none'), Buffer.from('x'))).toThrow();
    return fd;
  });
  expect(numbers[0]).toBe(numbers[1]);
});
