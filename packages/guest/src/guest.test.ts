import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSyncer, MemoryBackend, type Syncer } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { TestDisk } from '@vpmem/simulated-medium/testing';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { TestServer } from '@vpmem/vfio-user/testing';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FlushError } from './guest-error.ts';
import { Guest } from './guest.ts';
import { pmemCases, type PmemUnderTest } from './testing.ts';

const SIZE = 6 * 2 ** 20;
let storage: TestDisk;
beforeEach(async () => {
  storage = await TestDisk.open(SIZE);
});
afterEach(() => storage.close());

function pmemFunction(options: { syncer?: Syncer; vectors?: number; address?: bigint } = {}): VirtioPciFunction {
  const backend = new MemoryBackend(storage.description, options.syncer ?? storage.syncer());
  return new VirtioPciFunction(new VirtioPmem(backend, options), { vectors: options.vectors ?? 2 });
}
const fileBytes = (offset: number, length: number): Uint8Array => storage.fileBytes(offset, length);

describe.each([
  ['MSI-X', 2],
  ['INTx', 0],
])('a pmem device with %s', (_, vectors) => {
  describe('in this process', () => {
    it.each(pmemCases)('$name', async ({ run }) => {
      await run({ size: SIZE, function: () => pmemFunction({ vectors }), fileBytes });
    });
  });

  describe('in this process, its memory placed by the machine', () => {
    const address = 0x1_4000_0000n;
    it.each(pmemCases)('$name', async ({ run }) => {
      await run({
        size: SIZE,
        map: (machine) => machine.map({ address, size: SIZE, fd: storage.description.fd, fileOffset: 0 }),
        function: () => pmemFunction({ vectors, address }),
        fileBytes,
      });
    });
  });

  describe('behind a vfio-user socket', () => {
    it.each(pmemCases)('$name', async ({ run }) => {
      const harness = new TestServer(pmemFunction({ vectors }));
      const serving = harness.loop.pump();
      const remotes: RemoteFunction[] = [];
      const device: PmemUnderTest = {
        size: SIZE,
        function: () => {
          // The server needs a turn to notice that the last guest has gone.
          harness.settle();
          const remote = RemoteFunction.connect(harness.path, harness.clientOptions);
          remotes.push(remote);
          return remote;
        },
        fileBytes,
      };
      await run(device);
      await Promise.all(remotes.map(({ closed }) => closed));
      harness.loop.stop();
      await serving;
      harness.close();
    });
  });
});

describe('Guest', () => {
  it('a failed sync is a failed fsync, from then on', async () => {
    const syncer = new ManualSyncer();
    const guest = new Guest();
    const disk = guest.plug(pmemFunction({ syncer }));
    const flushed = disk.fsync();
    syncer.begin();
    syncer.finish('EIO');
    await expect(flushed).rejects.toThrow('the device answered the flush with -1');
    await expect(disk.fsync()).rejects.toThrow('-1');
    expect(syncer.started).toBe(1);
    await guest.close();
  });

  it.each([0, 1, 2])('a device that needs a reset fails who waits for it, with %d vectors', async (vectors) => {
    const syncer = new ManualSyncer();
    const guest = new Guest();
    const { machine } = guest;
    const disk = guest.plug(pmemFunction({ syncer, vectors }));
    const flushing = [disk.fsync(), disk.fsync()].map((flush) => flush.then(() => 'done', (error: unknown) => error));
    // The first disk's queue is in the second page of RAM: 64 descriptors, then flags and index of the available ring.
    machine.memory.write(0x1402, Uint8Array.of(0xff, 0xff));
    machine.bus.writeMemory(BigInt(machine.readConfig(0, disk.slot, 0x10, 4)) + 0x3000n, 2, 0);
    const error = new FlushError('the device needs a reset');
    expect(await Promise.all(flushing)).toEqual([error, error]);
    await expect(disk.fsync()).rejects.toThrow(error);
    // Nobody waits for an answer that will not come.
    syncer.begin();
    syncer.finish();
    await guest.close();
  });

  it('shuts down only when the sync in flight is over', async () => {
    const syncer = new ManualSyncer();
    const guest = new Guest();
    const disk = guest.plug(pmemFunction({ syncer }));
    void disk.fsync();
    let closed = false;
    const closing = guest.close().then(() => (closed = true));
    syncer.begin();
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    syncer.finish();
    await closing;
  });

  it('drives several disks, and one that is plugged in while another is busy', async () => {
    const syncer = new ManualSyncer();
    const guest = new Guest();
    const busy = guest.plug(pmemFunction({ syncer }));
    const flushed = busy.fsync();
    const second = guest.plug(pmemFunction());
    await second.fsync();
    expect([busy.slot, second.slot, guest.disks.map(({ name }) => name)]).toEqual([0, 1, ['pmem0', 'pmem1']]);
    expect(second.address).toBeGreaterThan(busy.address);
    syncer.begin();
    syncer.finish();
    await flushed;
    await guest.unplug(busy);
    expect(guest.disks).toEqual([second]);
    await guest.close();
  });

  it('says what it cannot drive, and leaves the slot free', async () => {
    const guest = new Guest();
    const disguised = pmemFunction();
    const readConfig = disguised.readConfig.bind(disguised);
    disguised.readConfig = (offset, width) => (offset === 0 ? 0x1234 : readConfig(offset, width));
    expect(() => guest.plug(disguised)).toThrow('no driver for 1234:105b');
    expect(guest.machine.bus.slots).toEqual([]);
    await guest.close();
  });
});

describe('memory whose file is truncated', () => {
  it('is gone for the guest, not the end of this process', async () => {
    const path = join(tmpdir(), `vpmem-guest-${process.pid}`);
    const file = openSync(path, 'w+');
    ftruncateSync(file, SIZE);
    const backend = new MemoryBackend(
      { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd: file, offset: 0, align: 4096, path, volatile: undefined, discardData: false, was: 'there' },
      fileSyncer(file),
    );
    const guest = new Guest();
    const disk = guest.plug(new VirtioPciFunction(new VirtioPmem(backend)));
    disk.write(SIZE - 4, Buffer.from('here'));
    ftruncateSync(file, 0);
    expect(() => disk.read(SIZE - 4, 4)).toThrow('the file behind it was truncated');
    expect(() => disk.write(0, Buffer.from('x'))).toThrow('the file behind it was truncated');
    await guest.close();
    closeSync(file);
    rmSync(path);
  });
});
