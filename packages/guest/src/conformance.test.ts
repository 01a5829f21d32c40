import { closeSync, openSync } from 'node:fs';
import { FileBackings, GuestMemory } from '@vpmem/guest-memory';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { createMemfd } from '@vpmem/native';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { TestServer } from '@vpmem/vfio-user/testing';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { localFunction, namedCases, VirtioGuest, type FunctionTraits } from '@vpmem/virtio-pci/testing';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { afterEach, beforeEach, describe, it } from 'vitest';

const SIZE = 6 * 2 ** 20;
const RAM = 0x10_0000;
const [VERSION_1, ALL] = [0x1_3000_0001n, 0x9cf_3000_0001n];
const OPTIONS = { packed: true, inOrder: true, accessPlatform: true, notificationData: true, notificationConfigData: true, suspend: true };

let fd: number;
beforeEach(() => {
  fd = createMemfd('pmem', SIZE);
});
afterEach(() => closeSync(fd));

/** A device whose flushes end in `settle`. */
function pmem(vectors: number, options = {}): { pci: VirtioPciFunction; settle: () => void } {
  const syncer = new ManualSyncer();
  const backend = new MemoryBackend(
    { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
    syncer,
  );
  const settle = (): void => {
    while (syncer.begin()) syncer.finish();
  };
  return { pci: new VirtioPciFunction(new VirtioPmem(backend), { vectors, ...options }), settle };
}

function traits(interrupts: FunctionTraits['interrupts'], offered: bigint): FunctionTraits {
  return { deviceId: 27, offered, interrupts, queueSizes: [128], request: new Uint8Array(4), response: new Uint8Array(4), region: SIZE, addressInConfig: 0, held: true };
}

describe.each([
  ['MSI-X', 2, OPTIONS, ALL],
  ['INTx', 0, OPTIONS, ALL],
  ['MSI-X and nothing but QEMU\'s defaults', 2, {}, VERSION_1 | (1n << 40n)],
] as const)('virtio-pmem-pci with %s', (_, vectors, options, offered) => {
  const its = traits(vectors === 0 ? 'INTx' : 'MSI-X', offered);
  const cases = namedCases(its);

  describe('in this process', () => {
    it.each(cases)('%s', async (_name, run) => {
      const { pci, settle } = pmem(vectors, options);
      await run(await VirtioGuest.on(localFunction(pci, { traits: its, settle })));
    });
  });

  // Once with everything will do.
  if (offered !== ALL) return;
  describe('behind a vfio-user socket', () => {
    it.each(cases)('%s', async (_name, run) => {
      const { pci, settle } = pmem(vectors, options);
      const harness = new TestServer(pci);
      const ramFd = createMemfd('ram', RAM);
      const memory = new GuestMemory();
      const backing = new FileBackings().open(openSync(`/proc/self/fd/${ramFd}`, 'r+'), RAM, true);
      if ('code' in backing) throw new Error(backing.detail);
      memory.add({ start: 0, size: RAM, writable: true, backing });
      const remote = RemoteFunction.connect(harness.path, harness.clientOptions);
      remote.shareRam({ fd: ramFd, offset: 0, address: 0, size: RAM });
      try {
        const target = localFunction(remote, {
          traits: its,
          memory,
          settle: () => {
            harness.settle();
            settle();
            harness.settle();
          },
          deliver: () => {
            harness.settle();
            remote.deliverInterrupts();
          },
        });
        await run(await VirtioGuest.on(target));
      } finally {
        remote.detach();
        harness.settle();
        await remote.closed;
        harness.close();
        memory.clear();
        closeSync(ramFd);
      }
    });
  });
});
