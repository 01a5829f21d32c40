import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bind, check, socket } from './libc.ts';
import { MessageSocket } from './message-socket.ts';
import { waitReadable } from './poll.ts';
import { sendDatagram } from './unix-datagram.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-native-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What arrives at a datagram socket bound to `name`, which is written as the kernel wants it: `struct sockaddr_un` after the family. */
function receiveAt(name: Buffer, send: () => void): string[] {
  // AF_UNIX, SOCK_DGRAM.
  const receiver = new MessageSocket(check(socket(1, 2, 0), 'socket'));
  try {
    const address = Buffer.concat([Buffer.from([1, 0]), name]);
    check(bind(receiver.fd, address, address.length), 'bind');
    send();
    const received: string[] = [];
    while (waitReadable(receiver.fd, 0)) {
      const target = Buffer.alloc(256);
      received.push(target.subarray(0, receiver.receive(target, [])).toString());
    }
    return received;
  } finally {
    receiver.close();
  }
}

it('each call arrives as one datagram, whole, at a path', () => {
  const path = join(folder, 's');
  const send = (): void => {
    sendDatagram(path, Buffer.from('READY=1\nSTATUS=a'));
    sendDatagram(path, Buffer.from('WATCHDOG=1'));
  };
  expect(receiveAt(Buffer.from(`${path}\0`), send)).toEqual(['READY=1\nSTATUS=a', 'WATCHDOG=1']);
});

it('and at an abstract name, of which no byte more or less is part', () => {
  const name = `vpmem-test-${process.pid}`;
  expect(receiveAt(Buffer.from(`\0${name}`), () => sendDatagram(`@${name}`, Buffer.from('x')))).toEqual(['x']);
  expect(() => receiveAt(Buffer.from(`\0${name}\0`), () => sendDatagram(`@${name}`, Buffer.from('x')))).toThrow(/ECONNREFUSED/);
});

it('says what is wrong', () => {
  expect(() => sendDatagram(join(folder, 'none'), Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
  expect(() => sendDatagram('x'.repeat(108), Buffer.from('x'))).toThrow(/at most 107 bytes.*has 108/);
  // No descriptor stays open after a failure: the next one made has the number of the last.
  const numbers = [0, 1].map(() => {
    const fd = check(socket(1, 2, 0), 'socket');
    closeSync(fd);
    expect(() => sendDatagram(join(folder, 'none'), Buffer.from('x'))).toThrow();
    return fd;
  });
  expect(numbers[0]).toBe(numbers[1]);
});
