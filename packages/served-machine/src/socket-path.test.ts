import { closeSync, existsSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenUnix } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenAt } from './socket-path.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-socket-'));
  path = join(folder, 'nv1.sock');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('listenAt', () => {
  it('listens, for its owner alone, and takes the path back', () => {
    const socket = listenAt(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    socket.remove();
    expect(existsSync(path)).toBe(false);
    closeSync(socket.fd);
  });

  it('replaces a socket that a dead process left behind', () => {
    closeSync(listenUnix(path));
    expect(existsSync(path)).toBe(true);
    const socket = listenAt(path);
    socket.remove();
    closeSync(socket.fd);
  });

  it('does not take back what somebody else has put there since', () => {
    const socket = listenAt(path);
    unlinkSync(path);
    writeFileSync(path, 'mine');
    socket.remove();
    expect(existsSync(path)).toBe(true);
    closeSync(socket.fd);
  });

  it('leaves a socket alone that somebody listens on', () => {
    const socket = listenAt(path);
    expect(() => listenAt(path)).toThrow(expect.objectContaining({ code: 'socket-in-use', property: 'socket' }) as Error);
    expect(existsSync(path)).toBe(true);
    socket.remove();
    closeSync(socket.fd);
  });

  it.each<[string, () => string, RegExp]>([
    ['a file', () => { writeFileSync(path, 'data'); return path; }, /exists and is no socket/],
    ['a directory that is not there', () => join(folder, 'no/where.sock'), /cannot listen at .*ENOENT/],
    ['a path that is too long', () => join(folder, 'x'.repeat(120)), /has \d+ bytes; the system allows 107/],
  ])('refuses %s', (_, prepare, message) => {
    const given = prepare();
    const before = existsSync(given);
    expect(() => listenAt(given)).toThrow(expect.objectContaining({ code: 'socket-path', property: 'socket', message: expect.stringMatching(message) as string }) as Error);
    expect(existsSync(given)).toBe(before);
  });
});
