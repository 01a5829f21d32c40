import { closeSync } from 'node:fs';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { createMemfd } from '@vpmem/native';
import { DEVICE_NEEDS_RESET, VIRTIO_F_INDIRECT_DESC } from '@vpmem/virtio';
import type { DriverVirtqueue } from '@vpmem/virtio/driver';
import { bringUpQueue, lateRam, QUEUE_FORMATS, testBench, type LateRam, type TestBench } from '@vpmem/virtio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtioPmem } from './pmem-device.ts';

const SIZE = 4 * 2 ** 20;
/** RAM that comes later, and is hidden from the device once the driver has written to it. */
const [LATE, LATE_SIZE] = [0x1_0000_0000, 0x10_0000];
const [REQUEST, RESPONSE, TABLE] = [0x8000, 0x9000, 0xa000];
const SUCCESS = [0, 0, 0, 0];
const BEFORE = [0x55, 0x55, 0x55, 0x55];

// A VM hot plugs RAM and keeps it to itself. The driver cannot know, so no flush may hang for it, and none may be answered untruly.
describe.each(QUEUE_FORMATS)('RAM that is not shared, with a %s queue', (_, bits) => {
  let fd: number;
  let syncer: ManualSyncer;
  let bench: TestBench;
  let queue: DriverVirtqueue;
  let late: LateRam;
  beforeEach(() => {
    fd = createMemfd('pmem', SIZE);
    syncer = new ManualSyncer();
    const backend = new MemoryBackend(
      { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
      syncer,
    );
    bench = testBench(new VirtioPmem(backend), { packed: true });
    queue = bringUpQueue(bench, { features: bits | VIRTIO_F_INDIRECT_DESC, size: 16 });
    late = lateRam(bench, LATE, LATE_SIZE);
  });
  afterEach(() => closeSync(fd));

  const add = (request: number, response: number, table: number | undefined): number | undefined => {
    bench.memory.write(request, new Uint8Array(4));
    bench.memory.write(response, Uint8Array.from(BEFORE));
    const elements = [{ address: request, length: 4 }, { address: response, length: 4, writable: true }];
    const head = table === undefined ? queue.add(elements) : queue.addIndirect(elements, table);
    queue.publish();
    return head;
  };
  const notify = (): void => bench.controller.notify(0);
  const found = (what: string, address: number): string =>
    `the VM told of RAM at 0x100000000-0x1000fffff but gave no memory for it: it is private; give its backend share=on (the ${what} at 0x${address.toString(16)} is in it)`;
  const read = (address: number): number[] => {
    const bytes = new Uint8Array(4);
    return bench.memory.read(address, bytes) ? [...bytes] : [...late.bytes.subarray(address - LATE, address - LATE + 4)];
  };

  it.each<[string, number, number, number | undefined, string, number]>([
    ['a request', LATE, RESPONSE, undefined, 'request', 4],
    ['a response', REQUEST, LATE + 64, undefined, 'response', 0],
    ['request and response', LATE, LATE + 64, undefined, 'request', 0],
    ['an indirect table', REQUEST, RESPONSE, LATE + 128, 'indirect table', 0],
    ['all of it', LATE, LATE + 64, LATE + 128, 'indirect table', 0],
    ['a request in a table that is shared', LATE, RESPONSE, TABLE, 'request', 4],
  ])('holds %s: the flush is carried out, then the buffer comes back, and one remark says why', (_name, request, response, table, what, length) => {
    const head = add(request, response, table);
    late.hide();
    notify();
    syncer.begin();
    expect(queue.takeUsed()).toBeUndefined();
    syncer.finish();
    expect(queue.takeUsed()).toEqual({ head, length });
    expect(read(response)).toEqual(length === 0 ? BEFORE : SUCCESS);
    const address = { request, response, 'indirect table': table ?? 0 }[what] ?? 0;
    expect(bench.transport.unreached.map(({ code, detail }) => [code, detail])).toEqual([['unshared-ram', found(what, address)]]);
    expect([bench.transport.errors, bench.transport.queueInterrupts, bench.controller.status & DEVICE_NEEDS_RESET]).toEqual([[], [0], 0]);
  });

  it('holds many requests: one remark until the next reset, and those that can be reached are answered as always', () => {
    for (let i = 0; i < 5; i++) {
      late.share();
      add(LATE, LATE + 64, undefined);
      late.hide();
      add(REQUEST, RESPONSE, undefined);
      notify();
      syncer.begin();
      syncer.finish();
      expect([queue.takeUsed()?.length, queue.takeUsed()?.length, read(RESPONSE)]).toEqual([0, 4, SUCCESS]);
    }
    expect(bench.transport.unreached).toHaveLength(1);
  });

  it.each([
    ['the response', REQUEST, undefined, 'response', LATE + 64],
    ['the indirect table', REQUEST, LATE + 128, 'indirect table', LATE + 128],
  ])('holds %s of a flush that fails: it is not given back as if it had not, and the device asks for a reset', (_name, request, table, what, address) => {
    add(request, LATE + 64, table);
    late.hide();
    notify();
    syncer.begin();
    syncer.finish('EIO');
    expect([queue.takeUsed(), bench.controller.status & DEVICE_NEEDS_RESET]).toEqual([undefined, DEVICE_NEEDS_RESET]);
    expect(bench.transport.errors.map(({ code, detail }) => [code, detail])).toEqual([['unshared-ram', found(what, address)]]);
    expect(bench.transport.configInterrupts).toBe(1);
  });

  it('holds the queue itself: the device asks for a reset, and says why', () => {
    late.hide();
    const places = bits === 0n ? ['descriptor table', 'available ring', 'used ring'] : ['descriptor ring', 'driver event suppression', 'device event suppression'];
    (['desc', 'driver', 'device'] as const).forEach((register, i) => {
      bench.controller.status = 0;
      for (const status of [1, 3]) bench.controller.status = status;
      bench.controller.accepted = (1n << 32n) | bits;
      bench.controller.status = 11;
      Object.assign(bench.controller.queue(0)!, { desc: 0x1000n, driver: 0x3000n, device: 0x5000n, [register]: BigInt(LATE) });
      bench.controller.enableQueue(0);
      expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
      expect(bench.transport.errors.at(-1)).toMatchObject({ code: 'unshared-ram', detail: found(places[i] ?? '', LATE) });
    });
  });

  it('is told from memory that is nowhere, which is the driver\'s mistake', () => {
    late.hide();
    queue.add([{ address: LATE + LATE_SIZE, length: 4 }, { address: LATE + LATE_SIZE + 64, length: 4, writable: true }]);
    queue.publish();
    notify();
    expect(bench.transport.errors).toMatchObject([{ code: 'response-unmapped' }]);
    expect(bench.transport.unreached).toEqual([]);
  });
});
