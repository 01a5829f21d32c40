import type { Footprint } from '../src/page-footprint.ts';

const mib = (count: number): number => count * 2 ** 20;

/** For tests of this package: what a quiet machine came to. */
export const EXAMPLE: Footprint = {
  bytes: mib(256),
  swap: 0,
  inMemory: false,
  ways: [
    {
      way: { device: 'virtio-blk', how: 'cache=writeback' },
      guest: { cached: mib(256), free: mib(-267.8) },
      qemu: { anonymous: mib(4.8), file: 0, shmem: mib(250) },
      host: { ram: mib(250), file: mib(256.2) },
      takenBack: { ram: 0, file: mib(256.2) },
      again: { file: 0, same: true },
    },
    {
      way: { device: 'virtio-pmem', how: 'dax' },
      guest: { cached: mib(0.02), free: mib(-0.4) },
      qemu: { anonymous: mib(4.4), file: mib(262), shmem: 0 },
      host: { ram: 0, file: mib(280) },
      takenBack: { ram: 0, file: mib(280) },
      again: { file: mib(276), same: true },
    },
  ],
};
