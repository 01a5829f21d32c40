import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemfd, hasHugePages, isInMemory, livesInMemory, neverWaits } from './memfd.ts';
import { setFilePolicy } from './memory-policy.ts';

const MIB = 2 ** 20;
/** Linux, asm-generic/fcntl.h, with O_DIRECTORY, of which it is made. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Kernels without NUMA, and containers that may not. */
const reason = ((): string | undefined => {
  const fd = createMemfd('policy', MIB);
  try {
    setFilePolicy(fd, { offset: 0, length: MIB }, { mode: 'bind', nodes: [0] });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOSYS' || code === 'EPERM' ? `mbind: ${code}` : undefined;
  } finally {
    closeSync(fd);
  }
})();

describe.skipIf(reason !== undefined)(`setFilePolicy${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it.each(['bind', 'preferred', 'interleave'] as const)('takes %s for a node that is there', (mode) => {
    const fd = createMemfd('policy', MIB);
    setFilePolicy(fd, { offset: 0, length: MIB }, { mode, nodes: [0] });
    closeSync(fd);
  });

  it('has the kernel refuse nodes that are not', () => {
    const fd = createMemfd('policy', MIB);
    expect(() => setFilePolicy(fd, { offset: 0, length: MIB }, { mode: 'bind', nodes: [127] })).toThrow(expect.objectContaining({ code: 'EINVAL', syscall: 'mbind' }));
    closeSync(fd);
  });
});

describe('what a file lives in', () => {
  it('is memory, or a disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-lives-'));
    const [memfd, file] = [createMemfd('lives', MIB), openSync(join(folder, 'f'), 'w')];
    expect([isInMemory(memfd), hasHugePages(memfd), hasHugePages(file)]).toEqual([true, false, false]);
    for (const fd of [memfd, file]) closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it('is memory in some folders', () => {
    expect(livesInMemory('/dev/shm')).toBe(true);
    expect(livesInMemory('/proc')).toBe(false);
  });

  it('has a sync that waits, unless it is memory; a device is no memory because its file is on a tmpfs', () => {
    const kinds = { memfd: createMemfd('lives', MIB), shm: openSync('/dev/shm', O_TMPFILE | constants.O_RDWR), proc: openSync('/proc/self/stat', 'r'), device: openSync('/dev/zero', 'r') };
    expect(Object.fromEntries(Object.entries(kinds).map(([name, fd]) => [name, neverWaits(fd)]))).toEqual({ memfd: true, shm: true, proc: false, device: false });
    for (const fd of Object.values(kinds)) closeSync(fd);
  });
});
