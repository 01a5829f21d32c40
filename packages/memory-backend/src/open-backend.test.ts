import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendDescription } from './backend-description.ts';
import type { BackendError } from './backend-error.ts';
import type { FileBackendOptions } from './backend-options.ts';
import { abandonBackend, closeBackend, openBackend } from './open-backend.ts';

const SIZE = 8 * 4096;
let folder: string;
let opened: BackendDescription[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-backend-'));
  opened = [];
});
afterEach(() => {
  for (const backend of opened) closeBackend(backend);
  rmSync(folder, { recursive: true });
});

const file = (options: Partial<FileBackendOptions> = {}): FileBackendOptions => ({
  type: 'memory-backend-file',
  id: 'mem1',
  size: SIZE,
  share: true,
  memPath: join(folder, 'disk.img'),
  ...options,
});
async function open(options: Parameters<typeof openBackend>[0]): Promise<BackendDescription> {
  const backend = await openBackend(options);
  opened.push(backend);
  return backend;
}
const bytesAt = (fd: number, at: number, length: number): string => {
  const buffer = Buffer.alloc(length);
  readSync(fd, buffer, 0, length, at);
  return buffer.toString();
};
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('memory without a file', () => {
  it('may have an id of any length', async () => {
    const { fd } = await open({ type: 'memory-backend-ram', id: 'm'.repeat(1000), size: SIZE });
    expect(bytesAt(fd, 0, 2)).toBe('\0\0');
  });
});

describe('power-failure', () => {
  it('keeps memory apart from the file', async () => {
    writeFileSync(file().memPath, Buffer.alloc(SIZE, 'f'));
    const backend = await open(file({ powerFailure: true }));
    expect(bytesAt(backend.fd, SIZE - 2, 2)).toBe('ff');
    writeSync(backend.fd, 'm', 0);
    expect(readFileSync(file().memPath).subarray(0, 1).toString()).toBe('f');
    expect(backend).toMatchObject({ offset: 0, medium: { offset: 0 }, path: file().memPath, volatile: undefined });
  });

  it.each([
    [{ share: false }, "memory backend 'mem1': power-failure=on is for files that are written to: it needs share=on, so that what is flushed gets into the file"],
    [{ readonly: true }, "memory backend 'mem1': power-failure=on is for files that are written to: readonly=on has nothing that becomes durable"],
  ])('is refused with %o', async (options, message) => {
    await expect(openBackend(file({ powerFailure: true, ...options }))).rejects.toMatchObject({ code: 'conflict', property: 'power-failure', message });
    expect(existsSync(file().memPath)).toBe(false);
  });

  it('is refused for a file without a name', async () => {
    const before = descriptors();
    await expect(openBackend(file({ powerFailure: true, memPath: folder }))).rejects.toMatchObject({ code: 'conflict', property: 'power-failure' });
    expect(descriptors()).toBe(before);
  });

  it('leaves nothing open, and nothing made when given up', async () => {
    const before = descriptors();
    abandonBackend(await openBackend(file({ powerFailure: true })));
    expect([existsSync(file().memPath), descriptors()]).toEqual([false, before]);
    const backend = await openBackend(file({ powerFailure: true, discardData: true }));
    writeSync(backend.medium?.fd ?? -1, 'x', 0);
    closeBackend(backend);
    expect([readFileSync(file().memPath).equals(Buffer.alloc(SIZE)), descriptors()]).toEqual([true, before]);
  });
});

describe('mem-path', () => {
  it('makes a missing file at its size, sparse', async () => {
    const backend = await open(file());
    expect(statSync(file().memPath)).toMatchObject({ size: SIZE, blocks: 0 });
    expect(backend).toMatchObject({ size: SIZE, offset: 0, volatile: undefined, path: file().memPath });
    writeSync(backend.fd, 'kept', 4096);
    expect(readFileSync(file().memPath).subarray(4096, 4100).toString()).toBe('kept');
  });

  it('grows an empty file', async () => {
    writeFileSync(file().memPath, '');
    await open(file());
    expect(statSync(file().memPath).size).toBe(SIZE);
  });

  it.each([
    [SIZE - 4096, `give size=${SIZE - 4096}, or another file`],
    [SIZE + 4096, `give size=${SIZE + 4096}, offset=0, which takes the file's beginning, or another file`],
    [SIZE + 1, "give offset=0, which takes the file's beginning, or another file"],
    [1, 'give another file'],
  ])('refuses a file of %i bytes, says both sizes and what would do, and leaves it alone', async (actual, advice) => {
    writeFileSync(file().memPath, Buffer.alloc(actual, 7));
    const before = descriptors();
    await expect(openBackend(file())).rejects.toMatchObject({
      code: 'size-mismatch',
      property: 'size',
      message: `memory backend 'mem1': '${file().memPath}' has ${actual} bytes, the options ask for size=${SIZE}; ${advice}; nothing was changed`,
    });
    expect(readFileSync(file().memPath)).toEqual(Buffer.alloc(actual, 7));
    expect(descriptors()).toBe(before);
  });

  it('with an offset, uses that part of a longer file', async () => {
    writeFileSync(file().memPath, Buffer.alloc(SIZE + 3 * 4096, 7));
    const backend = await open(file({ offset: 4096 }));
    expect(backend).toMatchObject({ offset: 4096, size: SIZE });
    expect((await open(file({ offset: SIZE + 4096, size: 2 * 4096 }))).size).toBe(2 * 4096);
    await expect(openBackend(file({ offset: SIZE + 3 * 4096 }))).rejects.toMatchObject({ code: 'size-mismatch' });
    expect(statSync(file().memPath).size).toBe(SIZE + 3 * 4096);
  });

  it('with an offset, makes a file that holds both', async () => {
    await open(file({ offset: 4096 }));
    expect(statSync(file().memPath).size).toBe(SIZE + 4096);
  });

  it('a directory: an unnamed file in it', async () => {
    const backend = await open(file({ memPath: folder }));
    expect(readdirSync(folder)).toEqual([]);
    expect(backend).toMatchObject({ path: undefined, volatile: expect.stringContaining('is a directory') as string });
    writeSync(backend.fd, 'x', SIZE - 1);
  });

  it.each<[string, () => FileBackendOptions, Partial<BackendError>]>([
    ['a missing directory', () => file({ memPath: join(folder, 'no/where') }), { code: 'not-found', property: 'mem-path' }],
    ['a path through a file', () => { writeFileSync(join(folder, 'f'), ''); return file({ memPath: join(folder, 'f/x') }); }, { code: 'not-found', property: 'mem-path' }],
    ['a missing file with readonly=on', () => file({ readonly: true }), { code: 'not-found', property: 'mem-path' }],
    ['a device', () => file({ memPath: '/dev/null' }), { code: 'not-a-file', property: 'mem-path' }],
    ['a directory with readonly=on', () => file({ memPath: folder, readonly: true }), { code: 'not-a-file', property: 'mem-path' }],
    ['an empty file with readonly=on', () => { writeFileSync(file().memPath, ''); return file({ readonly: true }); }, { code: 'size-mismatch', property: 'size' }],
    ['size 0', () => file({ size: 0 }), { code: 'bad-size', property: 'size' }],
    ['a size that is no multiple of a page', () => file({ size: 5000 }), { code: 'bad-size', property: 'size', message: "memory backend 'mem1': size 5000 is no multiple of the page size 4096; 4096 or 8192 would be" }],
    ['a size of less than a page', () => file({ size: 5 }), { code: 'bad-size', property: 'size', message: "memory backend 'mem1': size 5 is no multiple of the page size 4096; 4096 would be" }],
    ['an odd align', () => file({ align: 12288 }), { code: 'bad-align', property: 'align' }],
    ['an odd offset', () => file({ offset: 100 }), { code: 'bad-offset', property: 'offset' }],
    ['prealloc=on,reserve=off', () => file({ prealloc: true, reserve: false }), { code: 'conflict', property: 'reserve' }],
    ['rom=on', () => file({ rom: 'on' }), { code: 'conflict', property: 'rom', message: expect.stringContaining('it would take readonly=on') as string }],
    ['rom=on,readonly=on', () => file({ rom: 'on', readonly: true }), { code: 'conflict', property: 'rom', message: expect.stringContaining('rom=off gives') as string }],
    ['rom=off for what goes nowhere', () => file({ rom: 'off', readonly: true, share: true }), { code: 'conflict', property: 'rom', message: expect.stringContaining('share=off') as string }],
    ['more than the disk has', () => file({ memPath: '/dev/shm/vpmem-backend-test', size: 2 ** 45, prealloc: true }), { code: 'no-space', property: 'prealloc' }],
  ])('%s: one error that names the option, nothing left behind', async (_, options, error) => {
    const given = options();
    const [before, there] = [descriptors(), existsSync(given.memPath)];
    await expect(openBackend(given)).rejects.toMatchObject(error);
    expect([descriptors(), existsSync(given.memPath)]).toEqual([before, there]);
  });

  it('a file that was empty is empty again when something later fails', async () => {
    const memPath = '/dev/shm/vpmem-backend-empty';
    writeFileSync(memPath, '');
    await expect(openBackend(file({ memPath, size: 2 ** 45, prealloc: true }))).rejects.toMatchObject({ code: 'no-space' });
    expect(statSync(memPath).size).toBe(0);
    rmSync(memPath);
  });

  it.skipIf(process.getuid?.() === 0)('a file without permission: names mem-path (skipped as root, who may open anything)', async () => {
    mkdirSync(join(folder, 'locked'), { mode: 0 });
    await expect(openBackend(file({ memPath: join(folder, 'locked/x') }))).rejects.toMatchObject({ code: 'no-access', property: 'mem-path' });
  });
});

describe('a backend nobody used', () => {
  it.each<[string, (() => void) | undefined, Partial<FileBackendOptions>]>([
    ['missing', undefined, {}],
    ['missing, private', undefined, { share: false }],
    ['empty', () => writeFileSync(file().memPath, ''), {}],
    ['there', () => writeFileSync(file().memPath, Buffer.alloc(SIZE, 7)), {}],
    ['there, private', () => writeFileSync(file().memPath, Buffer.alloc(SIZE, 7)), { share: false }],
  ])('whose file was %s is abandoned without a trace', async (_, prepare, options) => {
    prepare?.();
    const state = (): unknown => [descriptors(), existsSync(file().memPath) && readFileSync(file().memPath)];
    const before = state();
    abandonBackend(await openBackend(file(options)));
    expect(state()).toEqual(before);
  });
});

describe('a file that another has', () => {
  const inUse = { code: 'in-use', property: 'mem-path' };

  it('is not to be had, not even to copy it, and nothing happens to it', async () => {
    const first = await openBackend(file());
    writeSync(first.fd, 'first', 0);
    const message = `memory backend 'mem1': '${file().memPath}' is in use by another memory backend of this process; for both to write to it, give both share=on,share-rw=on`;
    await expect(openBackend(file())).rejects.toMatchObject({ ...inUse, message });
    await expect(openBackend(file({ shareRw: true }))).rejects.toMatchObject(inUse);
    for (const copy of [{ share: false }, { readonly: true }]) await expect(openBackend(file(copy))).rejects.toMatchObject(inUse);
    expect(bytesAt(first.fd, 0, 5)).toBe('first');
    closeBackend(first);
    await open(file());
  });

  it('is shared by those who all say so', async () => {
    const first = await open(file({ shareRw: true }));
    const second = await open(file({ shareRw: true }));
    writeSync(first.fd, 'seen', 0);
    expect(bytesAt(second.fd, 0, 4)).toBe('seen');
    await expect(openBackend(file())).rejects.toMatchObject(inUse);
  });

  it('is copied by any number, and then free', async () => {
    closeBackend(await openBackend(file()));
    await Promise.all([1, 2, 3].map(() => open(file({ readonly: true }))));
    await open(file());
  });

  it('keeps others from its own part only', async () => {
    writeFileSync(file().memPath, Buffer.alloc(2 * SIZE));
    await open(file({ offset: 0 }));
    await open(file({ offset: SIZE }));
    await expect(openBackend(file({ offset: SIZE - 4096 }))).rejects.toMatchObject(inUse);
  });

  it.each([
    [{ shareRw: true, share: false }, "memory backend 'mem1': share-rw=on is for files that several write to: it needs share=on, too"],
    [{ shareRw: true, readonly: true }, "memory backend 'mem1': share-rw=on is for files that several write to: with readonly=on nobody does"],
  ])('%o is refused', async (options, message) => {
    await expect(openBackend(file(options))).rejects.toMatchObject({ code: 'conflict', property: 'share-rw', message });
  });
});

describe('private copies', () => {
  beforeEach(() => {
    const fd = openSync(file().memPath, 'w');
    ftruncateSync(fd, SIZE);
    writeSync(fd, 'original', 4096);
    closeSync(fd);
  });

  it.each([
    ['share=off', { share: false }],
    ['readonly=on', { readonly: true }],
  ])('%s: reads what is in the file, writes nothing to it, and says so', async (why, options) => {
    const backend = await open(file(options));
    expect(bytesAt(backend.fd, 4096, 8)).toBe('original');
    writeSync(backend.fd, 'changed!', 4096);
    expect(readFileSync(file().memPath).subarray(4096, 4104).toString()).toBe('original');
    expect(backend.volatile).toContain(why);
    expect(backend.volatile).toContain('nothing will persist');
  });

  it.each([
    [{ share: false }, false],
    [{ readonly: true }, true],
    [{ readonly: true, rom: 'off', share: false }, false],
  ] as const)('%o: whether it may be written to is %o', async (options, readonly) => {
    expect((await open(file(options))).readonly).toBe(readonly);
  });

  it('share defaults to off, as in QEMU', async () => {
    const { share: _, ...rest } = file();
    expect((await open(rest)).volatile).toContain('share=off');
  });

  it('copies only the part the offset names', async () => {
    const backend = await open(file({ share: false, offset: 4096, size: 4096 }));
    expect(bytesAt(backend.fd, 0, 8)).toBe('original');
  });

  it('keep holes as holes', async () => {
    expect(statSync(`/proc/self/fd/${(await open(file({ share: false }))).fd}`).blocks * 512).toBe(4096);
  });
});

describe('other backends', () => {
  it.each(['memory-backend-ram', 'memory-backend-memfd'] as const)('%s: memory that says it will not persist', async (type) => {
    const backend = await open({ type, id: 'ram1', size: SIZE });
    expect(backend).toMatchObject({ path: undefined, volatile: expect.stringContaining(`${type} 'ram1'`) as string });
    writeSync(backend.fd, 'x', SIZE - 1);
  });

  it('prealloc takes the memory at once', async () => {
    const backend = await open({ type: 'memory-backend-memfd', id: 'ram1', size: SIZE, prealloc: true });
    expect(statSync(`/proc/self/fd/${backend.fd}`).blocks * 512).toBe(SIZE);
  });
});

describe('options', () => {
  it('prealloc=on allocates the file', async () => {
    await open(file({ prealloc: true }));
    expect(statSync(file().memPath).blocks * 512).toBeGreaterThanOrEqual(SIZE);
  });

  it('discard-data=on gives the storage back at the end, and only its part of the file', async () => {
    writeFileSync(file().memPath, Buffer.alloc(SIZE + 4096, 7));
    const backend = await openBackend(file({ offset: 4096, discardData: true }));
    closeBackend(backend);
    const bytes = readFileSync(file().memPath);
    expect([bytes.length, bytes[4095], bytes[4096], bytes.at(-1)]).toEqual([SIZE + 4096, 7, 0, 0]);
  });
});
