import { closeSync, lstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFile } from '../files/descriptor.ts';
import { listenAtPath } from './socket-path.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-native-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Lets go of descriptor `fd` a moment after it is told to, and says first that it is about to. */
const RELEASE = `
  const { workerData: { fd, words }, parentPort } = require('node:worker_threads');
  parentPort.postMessage('ready');
  Atomics.wait(words, 0, 0);
  Atomics.wait(words, 1, 0, 50);
  Atomics.store(words, 1, 1);
  require('node:fs').closeSync(fd);
`;

describe('listenAtPath', () => {
  it('waits for somebody else who is looking at a path in the same folder', async () => {
    const fd = openSync(folder, 'r');
    expect(lockFile(fd)).toBe(true);
    const words = new Int32Array(new SharedArrayBuffer(8));
    const other = new Worker(RELEASE, { eval: true, workerData: { fd, words } });
    const ended = once(other, 'exit');
    await once(other, 'message');
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    const socket = listenAtPath(join(folder, 'socket'));
    expect(Atomics.load(words, 1)).toBe(1);
    closeSync(socket.fd);
    await ended;
  });

  it('leaves no lock behind, whether it can be had or not', () => {
    const socket = listenAtPath(join(folder, 'socket'));
    expect(() => listenAtPath(join(folder, 'socket'))).toThrow(/somebody is listening/);
    const fd = openSync(folder, 'r');
    expect(lockFile(fd)).toBe(true);
    closeSync(fd);
    socket.remove();
    closeSync(socket.fd);
    expect(lstatSync(join(folder, 'socket'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
