import { closeSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageSocket } from './message-socket.ts';
import { waitReadable, whenReadable } from '../events/poll.ts';
import { acceptUnix, connectUnix, listenUnix, MAX_SOCKET_PATH, stopListening } from './unix-socket.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-native-'));
  path = join(folder, 's');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('unix sockets', () => {
  it('listen, connect, accept, talk', () => {
    const listener = listenUnix(path);
    expect(acceptUnix(listener)).toBeUndefined();
    const client = new MessageSocket(connectUnix(path));
    const server = new MessageSocket(acceptUnix(listener)!);
    expect(waitReadable(client.fd, 0)).toBe(false);
    server.send(Buffer.from('hi'));
    expect(waitReadable(client.fd, 1000)).toBe(true);
    const target = Buffer.alloc(2);
    client.receive(target, []);
    expect(target.toString()).toBe('hi');
    client.close();
    server.close();
    closeSync(listener);
  });

  it('listen no longer: who waits for a call hears so, and nobody calls', async () => {
    const listener = listenUnix(path);
    // Without an end of its own.
    const came = whenReadable(listener);
    stopListening(listener);
    expect(await came).toBe(true);
    expect(acceptUnix(listener)).toBeUndefined();
    expect(() => connectUnix(path)).toThrow(expect.objectContaining({ code: 'ECONNREFUSED' }) as Error);
    closeSync(listener);
  });

  it('the path belongs to its owner alone whatever the umask', () => {
    const umask = process.umask(0);
    const listener = listenUnix(path);
    process.umask(umask);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    closeSync(listener);
  });

  it('say what is wrong, and keep no descriptor', () => {
    const before = readdirSync('/proc/self/fd');
    expect(() => connectUnix(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
    closeSync(listenUnix(path));
    expect(() => connectUnix(path)).toThrow(expect.objectContaining({ code: 'ECONNREFUSED' }) as Error);
    expect(() => listenUnix(path)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }) as Error);
    expect(() => listenUnix('x'.repeat(MAX_SOCKET_PATH + 1))).toThrow(/1 to 107 bytes.*has 108/);
    expect(readdirSync('/proc/self/fd')).toEqual(before);
  });
});
