import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EventFd } from '../events/event-fd.ts';
import { fcntl } from '../libc.ts';
import { PeerEvent } from './peer-event.ts';
import { unixPair } from './unix-socket.ts';

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;

describe('PeerEvent', () => {
  it('adds 1 to an eventfd, as often as it is told', () => {
    const peer = new EventFd();
    const event = new PeerEvent(peer.fd);
    // More than the kernel keeps answers for.
    for (let i = 0; i < 5000; i++) expect(event.signal()).toBe(true);
    expect(peer.drain()).toBe(5000);
    peer.close();
  });

  it('does not wait at a full counter, though the peer has made the descriptor blocking', () => {
    const peer = new EventFd();
    const event = new PeerEvent(peer.fd);
    fcntl(peer.fd, F_SETFL, fcntl(peer.fd, F_GETFL, 0) & ~O_NONBLOCK);
    writeSync(peer.fd, Buffer.from('feffffffffffffff', 'hex'));
    event.signal();
    event.signal();
    peer.close();
  });

  it.each<[string, () => number]>([
    ['a pipe or socket', () => unixPair()[0]],
    ['a file', () => openSync(process.execPath, 'r')],
    ['a directory', () => openSync('/', 'r')],
    ['a descriptor that is a path only', () => openSync('/', O_PATH)],
    ['what is not open', () => 99_999],
  ])('is not to be had of %s, which stays with the caller', (_, open) => {
    const fd = open();
    expect(() => new PeerEvent(fd)).toThrow(expect.objectContaining({ code: 'EINVAL' }) as Error);
    if (fd !== 99_999) closeSync(fd);
  });
});
