import { SavedObject } from '@vpmem/layout';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { createMemfd } from '@vpmem/native';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC } from '@vpmem/virtio';
import type { DriverVirtqueue, Element } from '@vpmem/virtio/driver';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from '@vpmem/virtio/testing';
import { closeSync, readSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtioPmem } from './pmem-device.ts';
import { VIRTIO_PMEM_F_SHMEM_REGION, VirtioPmemConfig, VirtioPmemReq, VirtioPmemResp } from './pmem-layout.ts';

const SIZE = 4 * 2 ** 20;
const [REQUEST, RESPONSE, TABLE] = [0x8000, 0x9000, 0xa000];

let fd: number;
let syncer: ManualSyncer;
let backend: MemoryBackend;
let bench: TestBench;
let queue: DriverVirtqueue;
beforeEach(() => {
  fd = createMemfd('pmem', SIZE);
  syncer = new ManualSyncer();
  backend = new MemoryBackend(
    { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
    syncer,
  );
  bench = testBench(new VirtioPmem(backend));
  bringUp(bench, { size: 16 });
});
afterEach(() => closeSync(fd));

const kick = (): void => {
  queue.publish();
  bench.controller.notify(0);
};
const flush = (response = RESPONSE): number | undefined => queue.add([{ address: REQUEST, length: 4 }, { address: response, length: 4, writable: true }]);
const ret = (at = RESPONSE): string => {
  const bytes = new Uint8Array(4);
  bench.memory.read(at, bytes);
  return Buffer.from(bytes).toString('hex');
};
const sync = (code?: string): void => {
  syncer.begin();
  syncer.finish(code);
};

describe('VIRTIO 1.4 §5.19 structures', () => {
  it('PMEM-D3 PMEM-D5 PMEM-D6 have the sizes and bytes of the specification', () => {
    expect([VirtioPmemConfig.size, VirtioPmemReq.size, VirtioPmemResp.size]).toEqual([16, 4, 4]);
    expect(Buffer.from(VirtioPmemConfig.encode({ start: 0x1_0000_0000n, size: 0x20_0000n })).toString('hex')).toBe('00000000010000000000200000000000');
    expect(Buffer.from(VirtioPmemResp.encode({ ret: 0xffff_ffff })).toString('hex')).toBe('ffffffff');
  });

  it('PMEM-01 PMEM-02 PMEM-D1 PMEM-D2 is device 27 with one queue, feature bit 0 and the range as region 0', () => {
    expect(bench.controller.device).toMatchObject({ deviceId: 27, queueSizes: [128], features: 1n, sharedMemory: [{ id: 0, size: SIZE }] });
  });
});

describe('continued', () => {
  it('its requests are taken from the ring again, and an answer to what was asked before reaches nobody', () => {
    queue = bringUpQueue(bench, { size: 16 });
    flush();
    kick();
    const { continuation } = bench.controller;
    const state: unknown = JSON.parse(JSON.stringify(continuation.save()));
    continuation.restoring(new SavedObject(state, 'state'))();
    sync();
    expect([queue.takeUsed(), backend.flushes.inFlight, syncer.busy]).toEqual([undefined, 0, false]);
    continuation.proceed();
    expect(backend.flushes.inFlight).toBe(1);
    sync();
    expect([queue.takeUsed()?.length, ret(), queue.takeUsed()]).toEqual([4, '00000000', undefined]);
  });

  it('one flush that has failed once fails again', () => {
    queue = bringUpQueue(bench, { size: 16 });
    flush();
    kick();
    sync('EIO');
    expect(queue.takeUsed()?.length).toBe(4);
    const { continuation } = bench.controller;
    continuation.restoring(new SavedObject(JSON.parse(JSON.stringify(continuation.save())), 'state'))();
    continuation.proceed();
    flush();
    kick();
    expect([queue.takeUsed()?.length, ret()]).toEqual([4, 'ffffffff']);
  });
});

describe('configuration', () => {
  const read = (): number[] => [0, 4, 8, 12].map((offset) => bench.controller.config.read(offset, 4));

  it('PMEM-04 PMEM-05 CFGS-06 AMB-08 has the range\'s address and size for a driver without SHMEM_REGION, and before negotiation', () => {
    expect(read()).toEqual([0, 1, SIZE, 0]);
    bench.controller.status = 0;
    expect(read()).toEqual([0, 1, SIZE, 0]);
  });

  it('AMB-09 follows the range when it moves, and names no usable address while it is nowhere', () => {
    bench.transport.regionAddress = 0xe000_0000n;
    expect(read().slice(0, 2)).toEqual([0xe000_0000, 0]);
    bench.transport.regionAddress = undefined;
    expect(read()).toEqual([2 ** 32 - SIZE, 0xffff_ffff, SIZE, 0]);
  });

  it('PMEM-03 reads 0 with SHMEM_REGION', () => {
    bringUp(bench, { features: VIRTIO_PMEM_F_SHMEM_REGION });
    expect(read()).toEqual([0, 0, 0, 0]);
  });

  it('PMEM-04 of memory that the platform placed says where, without SHMEM_REGION and without a region', () => {
    bench = testBench(new VirtioPmem(backend, { address: 0x1_4000_0000n }));
    expect(bench.controller.device).toMatchObject({ features: 0n, sharedMemory: [] });
    expect(read()).toEqual([0x4000_0000, 1, SIZE, 0]);
    bench.transport.regionAddress = 0xe000_0000n;
    bringUp(bench, { size: 16 });
    expect(read()).toEqual([0x4000_0000, 1, SIZE, 0]);
    bench.controller.config.write(0, 4, 7);
    expect(read()).toEqual([0x4000_0000, 1, SIZE, 0]);
  });

  it('takes no writes', () => {
    bench.controller.config.write(8, 4, 1);
    expect(read()[2]).toBe(SIZE);
  });
});

describe.each(QUEUE_FORMATS)('with a %s queue', (_, bits) => {
  beforeEach(() => {
    bench = testBench(new VirtioPmem(backend), { packed: true });
    queue = bringUpQueue(bench, { features: bits, size: 16 });
    bench.memory.write(REQUEST, new Uint8Array(16));
    bench.memory.write(RESPONSE, new Uint8Array(256).fill(0xaa));
  });

  describe('flush', () => {
    it('of somebody else is answered although the driver goes: a daemon that stops makes everything durable', () => {
      let durable: boolean | undefined;
      backend.flushes.request((ok) => (durable = ok));
      backend.flushes.start();
      bench.controller.powerOn();
      sync();
      expect(durable).toBe(true);
    });

    it('PMEM-09 PMEM-10 is answered with 0 after a sync, not before', () => {
      const head = flush();
      kick();
      expect([syncer.started, queue.takeUsed(), bench.transport.queueInterrupts]).toEqual([1, undefined, []]);
      sync();
      expect([queue.takeUsed(), ret(), bench.transport.queueInterrupts]).toEqual([{ head, length: 4 }, '00000000', [0]]);
    });

    it('PMEM-11 AMB-02 is answered with -1 when the sync fails, and so is every later one', () => {
      flush();
      kick();
      sync('EIO');
      expect([queue.takeUsed()?.length, ret()]).toEqual([4, 'ffffffff']);
      flush(RESPONSE + 16);
      kick();
      expect([queue.takeUsed()?.length, ret(RESPONSE + 16), syncer.started]).toEqual([4, 'ffffffff', 1]);
    });

    it('stays failed across a device reset, and is whole again when plugged in anew', () => {
      flush();
      kick();
      sync('EIO');
      queue = bringUpQueue(bench, { features: bits, size: 16 });
      flush();
      kick();
      expect(ret()).toBe('ffffffff');
      bench.controller.plugged();
      queue = bringUpQueue(bench, { features: bits, size: 16 });
      flush();
      kick();
      sync();
      expect(ret()).toBe('00000000');
    });

    it('all requests of one notification share a sync and an interrupt', () => {
      for (let i = 0; i < 5; i++) flush(RESPONSE + 4 * i);
      kick();
      sync();
      expect([syncer.started, bench.transport.queueInterrupts]).toEqual([1, [0]]);
      for (let i = 0; i < 5; i++) expect([queue.takeUsed()?.length, ret(RESPONSE + 4 * i)]).toEqual([4, '00000000']);
    });

    it('all that fail at once share an interrupt too', () => {
      flush();
      kick();
      sync('EIO');
      for (let i = 0; i < 5; i++) flush(RESPONSE + 4 * i);
      kick();
      expect(bench.transport.queueInterrupts).toEqual([0, 0]);
      for (let i = 0; i < 6; i++) expect(queue.takeUsed()?.length).toBe(4);
    });

    it('that is found in a later turn is synced without another notification', () => {
      for (let i = 0; i < 16; i++) queue.add([{ address: REQUEST, length: 4 }]);
      kick();
      for (let i = 0; i < 16; i++) queue.takeUsed();
      flush();
      queue.publish();
      for (const turn of bench.transport.deferred.splice(0)) turn();
      sync();
      expect([ret(), bench.transport.queueInterrupts]).toEqual(['00000000', [0, 0]]);
    });

    it('PMEM-09 AMB-06 one that arrives during a sync waits for the next', () => {
      const first = flush();
      kick();
      syncer.begin();
      const second = flush(RESPONSE + 16);
      kick();
      syncer.finish();
      expect([queue.takeUsed()?.head, queue.takeUsed(), syncer.started]).toEqual([first, undefined, 2]);
      sync();
      expect(queue.takeUsed()?.head).toBe(second);
    });

    it.each<[string, bigint, () => void]>([
      ['an indirect table', VIRTIO_F_INDIRECT_DESC, () => queue.addIndirect([{ address: REQUEST, length: 4 }, { address: RESPONSE, length: 4, writable: true }], TABLE)],
      ['request and response in single bytes', 0n, () => queue.add([0, 1, 2, 3].map((i): Element => ({ address: REQUEST + i, length: 1 })).concat([0, 1, 2, 3].map((i) => ({ address: RESPONSE + i, length: 1, writable: true }))))],
      ['buffers longer than needed', 0n, () => queue.add([{ address: REQUEST, length: 64 }, { address: RESPONSE, length: 64, writable: true }])],
      ['EVENT_IDX', VIRTIO_F_EVENT_IDX, flush],
    ])('SPL-02 works with %s', (_, features, add) => {
      queue = bringUpQueue(bench, { features: bits | features, size: 16 });
      for (let round = 0; round < 3; round++) {
        add();
        kick();
        sync();
        expect([queue.takeUsed()?.length, ret()]).toEqual([4, '00000000']);
        bench.memory.write(RESPONSE, new Uint8Array(4).fill(0xaa));
      }
      expect(bench.transport.queueInterrupts).toEqual([0, 0, 0]);
    });
  });

  describe('reset', () => {
    it('RST-02 RST-03 waits for the sync in flight and answers nothing into the old queue', () => {
      flush();
      kick();
      syncer.begin();
      bench.controller.status = 0;
      expect(bench.controller.status).not.toBe(0);
      syncer.finish();
      expect([bench.controller.status, ret(), queue.takeUsed(), bench.transport.queueInterrupts]).toEqual([0, 'aaaaaaaa', undefined, []]);
    });

    it('of the platform does not wait, and the new driver\'s flush waits for its own sync', () => {
      flush();
      kick();
      syncer.begin();
      bench.controller.powerOn();
      queue = bringUpQueue(bench, { features: bits, size: 16 });
      const head = flush();
      kick();
      syncer.finish();
      expect([queue.takeUsed(), syncer.started]).toEqual([undefined, 2]);
      sync();
      expect([queue.takeUsed()?.head, ret()]).toEqual([head, '00000000']);
    });

    it('PMEM-D7 what is stored stays', () => {
      bench.controller.device.sharedMemory?.[0]?.write(4096, 4, 0xcafe);
      bench.controller.powerOn();
      const bytes = Buffer.alloc(2);
      readSync(fd, bytes, 0, 2, 4096);
      expect(bytes.readUInt16LE()).toBe(0xcafe);
    });
  });
});
