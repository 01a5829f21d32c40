// Memory in huge pages: a hugetlbfs file, a memfd, and too few pages.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackendDescription } from '../backend-description.ts';
import type { FileBackendOptions, RamBackendOptions } from '../backend-options.ts';
import { HugePageMount, noHugePages } from './huge-page-mount.ts';
import { MemoryBackend } from '../memory-backend.ts';
import { abandonBackend, closeBackend, openBackend } from '../open-backend.ts';
import { fileSyncer } from '../flushes/syncer.ts';

const PAGE = 2 * 2 ** 20;
const PAGES = 8;
const SYSFS = '/sys/kernel/mm/hugepages/hugepages-2048kB';
const reason = noHugePages();
const count = (what: string): number => Number(readFileSync(`${SYSFS}/${what}`, 'utf8'));
const free = (): number => count('free_hugepages') - count('resv_hugepages');

describe.skipIf(reason !== undefined)(`huge pages${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let mount: HugePageMount;
  let opened: BackendDescription[];
  beforeAll(async () => {
    mount = await HugePageMount.of(PAGES);
  });
  afterAll(() => mount.close());
  beforeEach(() => {
    opened = [];
  });
  afterEach(() => {
    for (const backend of opened) closeBackend(backend);
    for (const name of readdirSync(mount.folder)) rmSync(join(mount.folder, name));
    expect(free()).toBe(count('nr_hugepages'));
  });
  const file = (given: Partial<FileBackendOptions> = {}): FileBackendOptions => ({ type: 'memory-backend-file', id: 'mem1', size: 4 * PAGE, share: true, memPath: join(mount.folder, 'f.img'), ...given });
  const memfd = (given: Partial<RamBackendOptions> = {}): RamBackendOptions => ({ type: 'memory-backend-memfd', id: 'mem1', size: 4 * PAGE, hugetlb: true, ...given });
  const open = async (options: FileBackendOptions | RamBackendOptions): Promise<BackendDescription> => {
    const backend = await openBackend(options);
    opened.push(backend);
    return backend;
  };
  const descriptors = (): number => readdirSync('/proc/self/fd').length;

  it('are reserved when the object is made, and stay so', async () => {
    expect(await open(file())).toMatchObject({ kind: 'huge', volatile: undefined });
    expect([count('resv_hugepages'), free()]).toEqual([4, count('nr_hugepages') - 4]);
    await open(memfd({ size: 2 * PAGE }));
    expect(count('resv_hugepages')).toBe(6);
    for (const backend of opened.splice(1)) closeBackend(backend);
    expect(count('resv_hugepages')).toBe(4);
  });

  it.each([
    ['a file', () => file({ size: 64 * PAGE })],
    ['a file with power-failure=on', () => file({ size: 64 * PAGE, powerFailure: true })],
    ['a file with prealloc=on', () => file({ size: 64 * PAGE, prealloc: true })],
    ['a memfd', () => memfd({ size: 64 * PAGE })],
    ['a memfd with hugetlbsize', () => memfd({ size: 64 * PAGE, hugetlbsize: PAGE })],
  ])('that are too few are an error with both numbers, and leave nothing: %s', async (_, options) => {
    const before = descriptors();
    const message = `memory backend 'mem1': ${64 * PAGE} bytes need 64 huge pages of 2048 KiB, and ${free()} are free; write ${count('nr_hugepages') + 64 - free()} to ${SYSFS}/nr_hugepages, or give a smaller size`;
    await expect(openBackend(options())).rejects.toMatchObject({ code: 'no-space', property: 'size', message });
    expect([descriptors(), readdirSync(mount.folder), count('resv_hugepages')]).toEqual([before, [], 0]);
  });

  it('that an existing file lacks are told apart from those it has', async () => {
    const [path, size] = [file().memPath, (PAGES + 4) * PAGE];
    closeBackend(await openBackend(file({ size: 4 * PAGE, prealloc: true })));
    truncateSync(path, size);
    await expect(openBackend(file({ size }))).rejects.toMatchObject({ message: expect.stringContaining(`need ${PAGES} more huge pages of 2048 KiB, and ${free()} are free`) as string });
    expect(statSync(path).size).toBe(size);
  });

  it.each<[string, () => FileBackendOptions | RamBackendOptions, object]>([
    ['size', () => file({ size: 3 * PAGE - 4096 }), { code: 'bad-size', property: 'size', message: `memory backend 'mem1': size ${3 * PAGE - 4096} is no multiple of the huge page size ${PAGE}; ${2 * PAGE} or ${3 * PAGE} would be` }],
    ['size below one', () => memfd({ size: 4096 }), { code: 'bad-size', property: 'size', message: `memory backend 'mem1': size 4096 is no multiple of the huge page size ${PAGE}; ${PAGE} would be` }],
    ['offset', () => file({ size: PAGE, offset: 4096 }), { code: 'bad-offset', property: 'offset', message: expect.stringContaining(`0 or ${PAGE} would be`) as string }],
    ['hugetlbsize', () => memfd({ hugetlbsize: 3 * PAGE }), { code: 'bad-size', property: 'hugetlbsize', message: "memory backend 'mem1': hugetlbsize 6291456 is no power of two above 4096; 2M is the usual one" }],
    ['hugetlbsize there is not', () => memfd({ hugetlbsize: 8 * PAGE }), { code: 'bad-size', property: 'hugetlbsize', message: expect.stringContaining('this kernel has no huge pages of hugetlbsize=16777216 bytes; it has 2097152') as string }],
  ])('of which the %s is no multiple are refused with what would be right', async (_, options, error) => {
    const before = descriptors();
    await expect(openBackend(options())).rejects.toMatchObject(error);
    expect([descriptors(), readdirSync(mount.folder)]).toEqual([before, []]);
  });

  it.each<[string, () => FileBackendOptions | RamBackendOptions]>([
    ['hugetlbfs', file],
    ['a memfd', memfd],
  ])('are read and written by messages too: %s', async (_, options) => {
    const backend = await open(options());
    const memory = new MemoryBackend(backend, fileSyncer(backend.fd));
    memory.write(4 * PAGE - 4, 4, 0x1234_5678);
    memory.write(PAGE - 1, 1, 0xab);
    expect([memory.read(4 * PAGE - 4, 4), memory.read(PAGE - 1, 2), memory.read(0, 4)]).toEqual([0x1234_5678, 0xab, 0]);
  });

  it('of a file that was truncated are an error, and no SIGBUS', async () => {
    const backend = await open(file());
    const memory = new MemoryBackend(backend, fileSyncer(backend.fd));
    truncateSync(file().memPath, PAGE);
    expect(() => memory.write(2 * PAGE, 4, 1)).toThrow(expect.objectContaining({ code: 'EFAULT' }));
  });

  it('are not taken by a private copy', async () => {
    closeBackend(await openBackend(file()));
    expect(await open(file({ readonly: true }))).toMatchObject({ volatile: expect.stringContaining('readonly=on') as string });
    await open(file({ share: false, id: 'mem2', memPath: join(mount.folder, 'new.img'), size: 64 * PAGE }));
  });

  it('are not reserved with reserve=off, and a warning says what may happen then', async () => {
    const { remarks } = await open(file({ reserve: false, size: 64 * PAGE }));
    expect(remarks).toEqual(["memory backend 'mem1': reserve=off reserves no huge pages: a VM that touches one when none is left dies of SIGBUS"]);
  });

  it('go with a file that was made for nothing', async () => {
    abandonBackend(await openBackend(file()));
    expect(existsSync(file().memPath)).toBe(false);
    writeFileSync(file().memPath, '');
    abandonBackend(await openBackend(file()));
    expect(statSync(file().memPath).size).toBe(0);
  });

  it('are flushed like any file', async () => {
    const { fd } = await open(file());
    expect(await new Promise((resolve) => fileSyncer(fd).start(resolve))).toBeUndefined();
  });
});
