import assert from 'node:assert/strict';
import type { PciFunction } from '@vpmem/pci';
import { Guest } from './guest.ts';

/** A virtio-pmem device to try, however it is reached. */
export interface PmemUnderTest {
  /** Bytes of its memory. */
  readonly size: number;
  /** The function, to plug in; called once per power cycle. */
  function(): PciFunction;
  /** What its file holds. */
  fileBytes(offset: number, length: number): Uint8Array;
}

/** One thing a virtio-pmem device has to do, whatever carries it. */
export interface PmemCase {
  readonly name: string;
  readonly run: (device: PmemUnderTest) => Promise<void>;
}

async function withGuest(use: (guest: Guest) => Promise<void>): Promise<void> {
  const guest = new Guest();
  try {
    await use(guest);
  } finally {
    await guest.close();
  }
}

/** For every implementation: in process, behind a socket, in another process. Each throws an AssertionError if it does not hold. */
export const pmemCases: readonly PmemCase[] = [
  {
    name: 'is found, negotiated and mapped',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        assert.equal(disk.size, device.size);
        // VERSION_1, EVENT_IDX and SHMEM_REGION.
        assert.equal(disk.features, (1n << 32n) | (1n << 29n) | 1n);
        assert.deepEqual(guest.disks, [disk]);
        await disk.fsync();
      }),
  },
  {
    name: 'stores are in the file, at both ends',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        const [first, last] = [Buffer.from('first'), Buffer.from('last!')];
        disk.write(0, first);
        disk.write(device.size - 5, last);
        await disk.fsync();
        assert.deepEqual(Buffer.from(device.fileBytes(0, 5)), first);
        assert.deepEqual(Buffer.from(device.fileBytes(device.size - 5, 5)), last);
        assert.throws(() => disk.write(device.size - 4, last), RangeError);
      }),
  },
  {
    name: 'answers more flushes than the ring has entries, one after the other',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        for (let i = 0; i < 200; i++) await disk.fsync();
      }),
  },
  {
    name: 'answers many flushes at once',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 30 }, () => disk.fsync()));
      }),
  },
  {
    name: 'keeps what it stored over a power cycle',
    run: async (device: PmemUnderTest): Promise<void> => {
      const text = Buffer.from(`kept since ${process.hrtime.bigint()}`);
      await withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        disk.write(12_345, text);
        await disk.fsync();
      });
      await withGuest(async (guest) => {
        const disk = guest.plug(device.function());
        assert.deepEqual(Buffer.from(disk.read(12_345, text.length)), text);
        await disk.fsync();
      });
    },
  },
];
