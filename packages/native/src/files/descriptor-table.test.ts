import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

const opened = (): number[] => readdirSync('/proc/self/fd').filter((fd) => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/full';
  } catch {
    return false;
  }
}).map(Number);

it('a thread with a table of its own shares with no other what it opens, and has what was open before', async () => {
  const before = openSync('/dev/full', 'r');
  const program = `
    const { parentPort } = await import('node:worker_threads');
    const { openSync, readSync } = await import('node:fs');
    const { ownDescriptorTable } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
    ownDescriptorTable();
    openSync('/dev/full', 'r');
    parentPort.postMessage(readSync(${before}, Buffer.alloc(4)));
    parentPort.once('message', () => undefined);`;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { trackUnmanagedFds: false });
  expect(await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))).toBe(4);
  expect(opened()).toEqual([before]);
  await thread.terminate();
  closeSync(before);
});
