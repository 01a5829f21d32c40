import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Mapping } from './mapping.ts';
import { createMemfd } from './memfd.ts';
import { cachedBytes, dropCached } from './page-cache.ts';

const PAGE = 4096;
const TMPFS_MAGIC = 0x0102_1994;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

describe('what is in memory', () => {
  it('of a memfd is what was touched, by whole pages', () => {
    const fd = createMemfd('touched', 64 * PAGE);
    ends.push(() => closeSync(fd));
    expect(cachedBytes(fd)).toBe(0);
    writeSync(fd, 'x', 5 * PAGE);
    writeSync(fd, 'xy', 9 * PAGE - 1);
    expect(cachedBytes(fd)).toBe(3 * PAGE);
  });

  it('of nothing is nothing', () => {
    const fd = createMemfd('empty', 0);
    ends.push(() => closeSync(fd));
    expect(cachedBytes(fd)).toBe(0);
  });
});

// A cache that a file can do without: not of a file system whose files are nothing but cache.
const reason = statfsSync('/var/tmp').type === TMPFS_MAGIC ? '/var/tmp is in memory' : undefined;

describe.skipIf(reason !== undefined)(`what is cached of a file${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  function file(): number {
    const folder = mkdtempSync(join('/var/tmp', 'vpmem-native-'));
    const fd = openSync(join(folder, 'file'), 'w+');
    ends.push(() => rmSync(folder, { recursive: true }), () => closeSync(fd));
    writeSync(fd, Buffer.alloc(32 * PAGE, 'x'));
    return fd;
  }

  it('is dropped when it is asked for and has been written back', () => {
    const fd = file();
    fdatasyncSync(fd);
    expect(cachedBytes(fd)).toBe(32 * PAGE);
    dropCached(fd);
    expect(cachedBytes(fd)).toBe(0);
  });

  it('stays as long as somebody has it mapped', () => {
    const fd = file();
    fdatasyncSync(fd);
    const mapping = Mapping.ofFile(fd, { length: 32 * PAGE });
    ends.push(() => mapping.unmap());
    const bytes = new Uint8Array(mapping.window(0, mapping.length));
    expect(bytes.filter((byte) => byte !== 0x78)).toHaveLength(0);
    dropCached(fd);
    expect(cachedBytes(fd)).toBe(32 * PAGE);
  });
});
