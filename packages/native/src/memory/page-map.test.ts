import { closeSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Mapping } from './mapping.ts';
import { createMemfd } from './memfd.ts';
import { PageMap, type PageMatch } from './page-map.ts';
import { mappedFile, parseMaps, ProcessMaps } from './process-maps.ts';
import { openWriteProtection, registerWriteProtection } from './userfaultfd.ts';

const PAGE = 4096;
const LENGTH = 2 ** 22;

/** Why it cannot be tried here. */
const reason = ((): string | undefined => {
  try {
    closeSync(openWriteProtection());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
})();

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function memory(): { fd: number; mapping: Mapping; bytes: Uint8Array } {
  const fd = createMemfd('page-map', LENGTH);
  const mapping = Mapping.ofFile(fd, { length: LENGTH });
  ends.push(() => closeSync(fd), () => mapping.unmap());
  return { fd, mapping, bytes: new Uint8Array(mapping.window(0, LENGTH)) };
}

describe.skipIf(reason !== undefined)(`a page map${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  function tracked(): { bytes: Uint8Array; pages: PageMap; start: bigint; end: bigint; count: (match: PageMatch) => number } {
    const { mapping, bytes } = memory();
    const uffd = openWriteProtection();
    const pages = new PageMap(process.pid);
    ends.push(() => closeSync(uffd), () => pages.close());
    const [start, end] = [mapping.address, mapping.address + BigInt(LENGTH)];
    registerWriteProtection(uffd, start, end);
    const count = (match: PageMatch): number => {
      let bytesFound = 0n;
      expect(pages.takeMatching(match, start, end, (from, to) => (bytesFound += to - from))).toBe(true);
      return Number(bytesFound) / PAGE;
    };
    return { bytes, pages, start, end, count };
  }

  it('finds what is missing, once', () => {
    const { count } = tracked();
    expect(count('missing')).toBe(LENGTH / PAGE);
    expect(count('missing')).toBe(0);
    expect(count('written')).toBe(0);
  });

  it('finds what was written, once, and again when it is written again', () => {
    const { pages, start, end, bytes, count } = tracked();
    expect(pages.protect(start, end)).toBe(true);
    for (let round = 1; round < 3; round++) {
      bytes[5 * PAGE] = round;
      bytes[7 * PAGE] = round;
      expect(count('written')).toBe(2);
      expect(count('written')).toBe(0);
    }
  });

  it('says so where memory is not protected', () => {
    const { mapping } = memory();
    const pages = new PageMap(process.pid);
    ends.push(() => pages.close());
    expect(pages.isTracked(mapping.address)).toBe(false);
    expect(pages.protect(mapping.address, mapping.address + BigInt(PAGE))).toBe(false);
    expect(pages.takeMatching('written', mapping.address, mapping.address + BigInt(PAGE), () => undefined)).toBe(false);
  });
});

describe('the mappings of a process', () => {
  it('are the same by the kernel\'s answer and by its text', () => {
    const { fd, mapping } = memory();
    const readOnly = Mapping.ofFile(fd, { length: PAGE, offset: 8 * PAGE, writable: false });
    const own = Mapping.ofFile(fd, { length: PAGE, shared: false });
    const maps = new ProcessMaps(process.pid);
    ends.push(() => readOnly.unmap(), () => own.unmap(), () => maps.close());
    const found = maps.sharedMappings(mappedFile(fd));
    expect(found).toEqual(parseMaps(readFileSync('/proc/self/maps', 'latin1'), mappedFile(fd)));
    expect(found?.toSorted((a, b) => Number(a.offset - b.offset))).toEqual([
      { start: mapping.address, end: mapping.address + BigInt(LENGTH), offset: 0n, writable: true },
      { start: readOnly.address, end: readOnly.address + BigInt(PAGE), offset: BigInt(8 * PAGE), writable: false },
    ]);
  });
});
