import assert from 'node:assert/strict';
import type { PciFunction } from '@vpmem/pci';
import { Guest } from './guest.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { PmemDisk } from './pmem-driver.ts';

/** A virtio-pmem device to try, however it is reached. */
export interface PmemUnderTest {
  /** Bytes of its memory. */
  readonly size: number;
  /** The function, to plug in; called once per power cycle. */
  function(): PciFunction;
  /** Puts its memory at its address; absent where the memory lies in a BAR. Called before {@link function}. */
  map?(machine: GuestMachine): void;
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

function plug(device: PmemUnderTest, guest: Guest): PmemDisk {
  device.map?.(guest.machine);
  return guest.plug(device.function());
}

/** For every implementation: in process, behind a socket, in another process. Each throws an AssertionError if it does not hold. */
export const pmemCases: readonly PmemCase[] = [
  {
    name: 'is found, negotiated and mapped',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = plug(device, guest);
        assert.equal(disk.size, device.size);
        // VERSION_1 and EVENT_IDX, and SHMEM_REGION where there is one.
        assert.equal(disk.features, (1n << 32n) | (1n << 29n) | (device.map === undefined ? 1n : 0n));
        assert.deepEqual(guest.disks, [disk]);
        await disk.fsync();
      }),
  },
  {
    name: 'stores are in the file, at both ends',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = plug(device, guest);
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
        const disk = plug(device, guest);
        for (let i = 0; i < 200; i++) await disk.fsync();
      }),
  },
  {
    name: 'answers many flushes at once',
    run: (device) =>
      withGuest(async (guest) => {
        const disk = plug(device, guest);
        for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 30 }, () => disk.fsync()));
      }),
  },
  {
    name: 'keeps what it stored over a power cycle',
    run: async (device: PmemUnderTest): Promise<void> => {
      const text = Buffer.from(`kept since ${process.hrtime.bigint()}`);
      await withGuest(async (guest) => {
        const disk = plug(device, guest);
        disk.write(12_345, text);
        await disk.fsync();
      });
      await withGuest(async (guest) => {
        const disk = plug(device, guest);
        assert.deepEqual(Buffer.from(disk.read(12_345, text.length)), text);
        await disk.fsync();
      });
    },
  },
];
