// Block devices as mem-path, on loop devices.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, fdatasyncSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendDescription } from './backend-description.ts';
import type { BackendError } from './backend-error.ts';
import type { FileBackendOptions } from './backend-options.ts';
import { LoopDevice, noLoopDevices } from './files/loop-device.ts';
import { closeBackend, openBackend } from './open-backend.ts';

const MIB = 2 ** 20;
const SIZE = 16 * MIB;
const reason = noLoopDevices();

describe.skipIf(reason !== undefined)(`a block device${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let loop: LoopDevice;
  let opened: BackendDescription[];
  let descriptors: number;
  const count = (): number => readdirSync('/proc/self/fd').length;
  beforeEach(() => {
    descriptors = count();
    folder = mkdtempSync(join(tmpdir(), 'vpmem-block-'));
    truncateSync(made('disk.img'), SIZE);
    loop = new LoopDevice(join(folder, 'disk.img'));
    opened = [];
  });
  afterEach(() => {
    for (const backend of opened) closeBackend(backend);
    loop.remove();
    rmSync(folder, { recursive: true });
    expect(count()).toBe(descriptors);
  });

  function made(name: string): string {
    const path = join(folder, name);
    writeFileSync(path, '');
    return path;
  }
  const options = (given: Partial<FileBackendOptions> = {}): FileBackendOptions => ({ type: 'memory-backend-file', id: 'mem1', size: SIZE, share: true, memPath: loop.path, ...given });
  const open = async (given: Partial<FileBackendOptions> = {}): Promise<BackendDescription> => {
    const backend = await openBackend(options(given));
    opened.push(backend);
    return backend;
  };
  const refusal = async (given: Partial<FileBackendOptions> = {}): Promise<BackendError> =>
    await openBackend(options(given)).then(
      (backend) => {
        closeBackend(backend);
        throw new Error('it was taken');
      },
      (error: unknown) => error as BackendError,
    );
  const inFile = (at: number, length: number): string => readFileSync(loop.file).subarray(at, at + length).toString();

  it('is memory of its own size, and what is synced is in what is behind it', async () => {
    const backend = await open();
    expect(backend).toMatchObject({ kind: 'device', size: SIZE, volatile: undefined, path: loop.path, remarks: [] });
    writeSync(backend.fd, 'durable', 5 * MIB);
    fdatasyncSync(backend.fd);
    expect(inFile(5 * MIB, 7)).toBe('durable');
  });

  it.each([
    [8 * MIB, undefined, `has ${SIZE} bytes, the options ask for size=${8 * MIB}; give size=${SIZE}, offset=0, which takes the file's beginning, or another file; nothing was changed`],
    [32 * MIB, undefined, `has ${SIZE} bytes, the options ask for size=${32 * MIB}; give size=${SIZE}, or another file; nothing was changed`],
    [8 * MIB, 12 * MIB, `has ${SIZE} bytes, the options ask for offset=${12 * MIB} and size=${8 * MIB}, ${20 * MIB} bytes in all; give a smaller size or offset, or another file; nothing was changed`],
  ])('of another size than %i at %s is refused with both sizes', async (size, offset, what) => {
    expect(await refusal({ size, ...(offset !== undefined && { offset }) })).toMatchObject({ code: 'size-mismatch', message: `memory backend 'mem1': '${loop.path}' ${what}` });
    expect(statSync(loop.file).size).toBe(SIZE);
  });

  it('has parts that are apart, as a file has', async () => {
    await open({ size: 8 * MIB, offset: 0 });
    const second = await open({ size: 8 * MIB, offset: 8 * MIB });
    expect(second.offset).toBe(8 * MIB);
    expect(await refusal({ size: 8 * MIB, offset: 4 * MIB })).toMatchObject({ code: 'in-use' });
  });

  it('with nothing behind it is refused', async () => {
    const path = readdirSync('/sys/block').map((name) => `/dev/${name}`).find((each) => each.startsWith('/dev/loop') && readFileSync(`/sys/block/${each.slice(5)}/size`, 'utf8').trim() === '0');
    if (path === undefined) return;
    expect(await refusal({ memPath: path })).toMatchObject({ code: 'not-a-file', message: expect.stringContaining('is a block device of 0 bytes') as string });
  });

  it('is told where it is mounted, and is not to be mounted while it is memory', async () => {
    execFileSync('mkfs.ext4', ['-q', loop.path]);
    const point = join(folder, 'mount point');
    mkdirSync(point);
    execFileSync('mount', [loop.path, point]);
    try {
      const mounted = `memory backend 'mem1': '${loop.path}' is mounted at '${point}'`;
      expect(await refusal()).toMatchObject({ code: 'in-use', message: `${mounted}; what a guest writes would destroy what is there; close it there first` });
      expect(await refusal({ shareRw: true })).toMatchObject({ code: 'in-use' });
      expect(await refusal({ readonly: true })).toMatchObject({ code: 'in-use', message: `${mounted}; a copy would mix several moments; close it there first` });
    } finally {
      execFileSync('umount', [point]);
    }
    await open();
    expect(() => execFileSync('mount', [loop.path, point], { stdio: 'pipe' })).toThrow(/busy|already mounted/);
  });

  it('that a program has for itself is refused', async () => {
    const fd = openSync(loop.path, constants.O_RDONLY | constants.O_EXCL);
    expect(await refusal()).toMatchObject({ code: 'in-use', message: expect.stringContaining('is in use by a program that has it for itself, or is mounted') as string });
    closeSync(fd);
    await open();
  });

  it('has one user, unless all say share-rw=on; any number may copy it', async () => {
    const first = await openBackend(options());
    expect(await refusal()).toMatchObject({ code: 'in-use', message: expect.stringContaining('is in use by another memory backend of this process; for both') as string });
    expect(await refusal({ readonly: true })).toMatchObject({ code: 'in-use' });
    closeBackend(first);
    const [one, two] = [await open({ shareRw: true }), await open({ shareRw: true })];
    writeSync(one.fd, 'seen', 0);
    const seen = Buffer.alloc(4);
    readSync(two.fd, seen, 0, 4, 0);
    expect(seen.toString()).toBe('seen');
    for (const backend of opened.splice(0)) closeBackend(backend);
    await Promise.all([1, 2, 3].map(() => open({ readonly: true })));
    await open();
  });

  it('that is read-only takes no writes, and can be copied', async () => {
    writeFileSync(loop.file, Buffer.alloc(SIZE, 'r'));
    const readOnly = new LoopDevice(loop.file, { readOnly: true });
    try {
      expect(await refusal({ memPath: readOnly.path })).toMatchObject({ code: 'no-access', message: `memory backend 'mem1': mem-path '${readOnly.path}' is a read-only block device; readonly=on gives the guest a private copy of it` });
      for (const given of [{ readonly: true }, { share: false }]) {
        const copy = await openBackend(options({ memPath: readOnly.path, ...given }));
        const byte = Buffer.alloc(1);
        readSync(copy.fd, byte, 0, 1, SIZE - 1);
        expect(byte.toString()).toBe('r');
        closeBackend(copy);
      }
    } finally {
      readOnly.remove();
    }
  });

  it('has nothing to allocate, and says so', async () => {
    const { remarks } = await open({ prealloc: true });
    expect(remarks).toEqual(["memory backend 'mem1': prealloc=on has no effect: a block device has its storage, or it is thin and allocates when it is written to"]);
  });

  it('gives its part back at the end with discard-data=on', async () => {
    writeFileSync(loop.file, Buffer.alloc(SIZE, 'x'));
    closeBackend(await openBackend(options({ discardData: true, offset: 4 * MIB, size: 4 * MIB })));
    expect([inFile(4 * MIB - 1, 2), inFile(8 * MIB - 1, 2)]).toEqual(['x\0', '\0x']);
  });
});

describe.skipIf(reason !== undefined)(`a partition${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('is a device of its own size, and keeps others from its disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-partition-'));
    const [file, point] = [join(folder, 'disk.img'), join(folder, 'mnt')];
    mkdirSync(point);
    writeFileSync(file, '');
    truncateSync(file, SIZE);
    const loop = new LoopDevice(file);
    // In sectors; told to the kernel, which need not know any kind of partition table.
    execFileSync('addpart', [loop.path, '1', `${MIB / 512}`, `${(4 * MIB) / 512}`]);
    const given: FileBackendOptions = { type: 'memory-backend-file', id: 'mem1', size: 4 * MIB, share: true, memPath: `${loop.path}p1` };
    try {
      const partition = await openBackend(given);
      writeSync(partition.fd, 'first', 0);
      fdatasyncSync(partition.fd);
      expect(readFileSync(file).subarray(MIB, MIB + 5).toString()).toBe('first');
      await expect(openBackend({ ...given, memPath: loop.path, size: SIZE })).rejects.toMatchObject({ code: 'in-use' });
      closeBackend(partition);
      execFileSync('mkfs.ext4', ['-q', given.memPath]);
      execFileSync('mount', [given.memPath, point]);
      const message = expect.stringContaining(`'${loop.path}' has a partition '${given.memPath}', which is mounted at '${point}'`) as string;
      await expect(openBackend({ ...given, memPath: loop.path, size: SIZE })).rejects.toMatchObject({ code: 'in-use', message });
    } finally {
      spawnSync('umount', [point]);
      execFileSync('delpart', [loop.path, '1']);
      loop.remove();
      rmSync(folder, { recursive: true });
    }
  });
});
