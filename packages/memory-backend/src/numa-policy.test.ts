import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendOptions } from './backend-options.ts';
import { closeBackend, openBackend } from './open-backend.ts';

const SIZE = 2 ** 20;
let folder: string;
beforeEach(() => {
  // Not /tmp, which may live in memory.
  folder = mkdtempSync(join(homedir(), '.vpmem-numa-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ram = (rest: Partial<BackendOptions>): BackendOptions => ({ type: 'memory-backend-memfd', id: 'mem1', size: SIZE, ...rest }) as BackendOptions;
const file = (memPath: string, rest: Partial<BackendOptions>): BackendOptions => ({ type: 'memory-backend-file', id: 'mem1', size: SIZE, share: true, memPath, ...rest });
const remarks = async (options: BackendOptions): Promise<readonly string[] | undefined> => {
  const backend = await openBackend(options);
  closeBackend(backend);
  return backend.remarks;
};

const reason = existsSync('/sys/devices/system/node/has_memory') ? undefined : 'this kernel knows no NUMA';

describe.skipIf(reason !== undefined)(`policy and host-nodes${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it.each<[Partial<BackendOptions>, string, string]>([
    [{ policy: 'bind' }, 'conflict', "memory backend 'mem1': policy=bind needs host-nodes, such as host-nodes=0"],
    [{ hostNodes: [0, 1] }, 'conflict', "memory backend 'mem1': host-nodes=0,1 says nothing without a policy; add policy=bind, preferred or interleave"],
    [{ policy: 'bind', hostNodes: [0, 127] }, 'bad-node', "memory backend 'mem1': this host has no memory on NUMA node 127; it has on 0"],
  ])('%o is refused', async (options, code, message) => {
    await expect(openBackend(ram(options))).rejects.toMatchObject({ code, property: 'host-nodes', message: expect.stringContaining(message) as string });
  });

  it.each<[string, () => BackendOptions]>([
    ['a memfd', () => ram({ policy: 'bind', hostNodes: [0] })],
    ['a file in memory', () => file('/dev/shm', { policy: 'preferred', hostNodes: [0] })],
    ['a private copy', () => file(join(folder, 'f'), { share: false, policy: 'interleave', hostNodes: [0] })],
    ['memory of its own with power-failure=on', () => file(join(folder, 'f'), { powerFailure: true, policy: 'bind', hostNodes: [0] })],
  ])('are in effect for %s', async (_, options) => {
    expect(await remarks(options())).toEqual([]);
  });

  it('are taken for a file on a disk, with a word that they change nothing', async () => {
    expect(await remarks(file(join(folder, 'f'), { policy: 'bind', hostNodes: [0] }))).toEqual([
      "memory backend 'mem1': policy=bind has no effect: the pages are those of the page cache, or huge pages, and come from where they are touched first",
    ]);
  });
});
