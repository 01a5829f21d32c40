import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { peerProcess } from './peer-process.ts';
import { unixPair } from './unix-socket.ts';

describe('peerProcess', () => {
  it('is who made the pair', () => {
    const pair = unixPair();
    expect(pair.map(peerProcess)).toEqual([process.pid, process.pid]);
    for (const fd of pair) closeSync(fd);
  });

  it('refuses what is no socket', () => {
    const fd = openSync('/dev/null', 'r');
    expect(() => peerProcess(fd)).toThrow(`getsockopt SO_PEERCRED`);
    closeSync(fd);
  });
});
