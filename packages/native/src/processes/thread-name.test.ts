import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, it } from 'vitest';
import { nameThread } from './thread-name.ts';

const READ = "require('node:fs').readFileSync('/proc/thread-self/comm', 'utf8').trimEnd()";
const own = (): string => readFileSync('/proc/thread-self/comm', 'utf8').trimEnd();
const before = own();
afterAll(() => void nameThread(before));

it('names the calling thread and no other, in 15 bytes', async () => {
  const other = new Worker(`const { parentPort } = require('node:worker_threads'); parentPort.on('message', () => parentPort.postMessage(${READ}))`, { eval: true });
  const ask = async (): Promise<unknown> => {
    other.postMessage('now');
    return ((await once(other, 'message')) as unknown[])[0];
  };
  const others = await ask();
  expect(nameThread('of more than 15 bytes')).toBe(true);
  expect(own()).toBe('of more than 15');
  expect(await ask()).toBe(others);
  await other.terminate();
});
