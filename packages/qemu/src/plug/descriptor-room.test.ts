import { openSync, closeSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { checkDescriptorRoom, freeDescriptors } from './descriptor-room.ts';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
});

/** A process that may open so many files. */
const limited = async (limit: number): Promise<number> => {
  child = spawn('sh', ['-c', `ulimit -n ${limit}; echo ready; exec sleep 1000`], { stdio: ['ignore', 'pipe', 'ignore'] });
  if (child.stdout === null) throw new Error('no output');
  await once(child.stdout, 'data');
  return child.pid ?? 0;
};

describe('descriptors that are left', () => {
  it('are counted below the limit', async () => {
    const pid = await limited(100);
    expect(freeDescriptors(pid)).toBeGreaterThan(90);
    expect(freeDescriptors(pid)).toBeLessThanOrEqual(97);
    const before = freeDescriptors(process.pid) ?? 0;
    const fd = openSync('/dev/null', 'r');
    expect(freeDescriptors(process.pid)).toBe(before - 1);
    closeSync(fd);
  });

  it('are unknown of a process that is not there', () => {
    expect(freeDescriptors(2 ** 22 + 1)).toBeUndefined();
    checkDescriptorRoom([{ name: 'QEMU', pid: 2 ** 22 + 1 }], 2);
  });

  it('have to do for a device, and its vectors', async () => {
    const pid = await limited(60);
    checkDescriptorRoom([{ name: 'QEMU', pid }], 2);
    expect(() => checkDescriptorRoom([{ name: 'QEMU', pid }], 20)).toThrow(
      expect.objectContaining({ code: 'machine-state', message: expect.stringMatching(/^QEMU has 5\d file descriptors left and may need 72.*ulimit -n/) as string }) as Error,
    );
  });
});
