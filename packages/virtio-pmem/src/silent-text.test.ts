import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { createMemfd } from '@vpmem/native';
import { DEVICE_NEEDS_RESET, VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_IN_ORDER } from '@vpmem/virtio';
import type { DriverVirtqueue, Element } from '@vpmem/virtio/driver';
import { bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from '@vpmem/virtio/testing';
import { closeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtioPmem } from './pmem-device.ts';

const SIZE = 4 * 2 ** 20;
const [REQUEST, RESPONSE] = [0x8000, 0x9000];
/** Where the guest has put the device's own range. */
const RANGE = 0x1_0000_0000;

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
});
afterEach(() => closeSync(fd));

const kick = (): void => {
  queue.publish();
  bench.controller.notify(0);
};
const request = (length = 4, address = REQUEST): Element => ({ address, length });
const response = (length = 4, address = RESPONSE): Element => ({ address, length, writable: true });
const ret = (at = RESPONSE): string => {
  const bytes = new Uint8Array(4);
  bench.memory.read(at, bytes);
  return Buffer.from(bytes).toString('hex');
};
const sync = (): void => {
  syncer.begin();
  syncer.finish();
};

/** VIRTIO 1.4 §5.19.6 says little about requests that are not one flush; this is what we decided, and why it is safe. */
describe.each(QUEUE_FORMATS)('where the text is silent, with a %s queue', (_, bits) => {
  beforeEach(() => {
    bench = testBench(new VirtioPmem(backend), { packed: true, inOrder: true, accessPlatform: true });
    queue = bringUpQueue(bench, { features: bits, size: 16 });
    bench.memory.write(REQUEST, new Uint8Array(64));
    bench.memory.write(RESPONSE, new Uint8Array(64).fill(0xaa));
  });

  it.each<[string, () => number | undefined, number, string]>([
    ['AMB-03 a request of an unknown type fails: ret -1', () => { bench.memory.write(REQUEST, Uint8Array.of(1)); return queue.add([request(), response()]); }, 4, 'ffffffff'],
    ['AMB-03 and so does one whose upper bytes are not 0', () => { bench.memory.write(REQUEST, Uint8Array.of(0, 0, 0, 1)); return queue.add([request(), response()]); }, 4, 'ffffffff'],
    ['AMB-04 a request of fewer than 4 bytes fails: ret -1', () => queue.add([request(3), response()]), 4, 'ffffffff'],
    ['AMB-04 a response without a request fails: ret -1', () => queue.add([response()]), 4, 'ffffffff'],
    ['AMB-04 a request where there is no RAM fails: ret -1', () => queue.add([request(4, 2 ** 40), response()]), 4, 'ffffffff'],
    ['AMB-04 a request whose address + length wraps fails: ret -1', () => queue.add([request(4, 2 ** 64 - 2 ** 12), response()]), 4, 'ffffffff'],
    ['AMB-04 a response of fewer than 4 bytes gets none: used length 0', () => queue.add([request(), response(3)]), 0, 'aaaaaaaa'],
    ['AMB-04 a request without a response gets none: used length 0', () => queue.add([request()]), 0, 'aaaaaaaa'],
  ])('%s', (_name, add, length, expected) => {
    const head = add();
    kick();
    expect([queue.takeUsed(), ret(), syncer.started, bench.transport.queueInterrupts]).toEqual([{ head, length }, expected, 0, [0]]);
    expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(0);
  });

  it.each<[string, readonly Element[]]>([
    ['AMB-05 AMB-14 request and response may be split anywhere; used length is 4', [request(1), request(3, REQUEST + 1), response(2), response(2, RESPONSE + 2)]],
    ['AMB-04 AMB-14 two requests in one chain are one request: the first counts, and one response is written', [request(4), request(4, REQUEST + 8), response(4), response(4, RESPONSE + 8)]],
    ['AMB-14 bytes beyond the 4 of each are not looked at, and not written', [request(64), response(64)]],
  ])('%s', (_name, elements) => {
    bench.memory.write(REQUEST + 8, Uint8Array.of(9, 9, 9, 9));
    const head = queue.add(elements);
    kick();
    sync();
    expect([queue.takeUsed(), queue.takeUsed(), ret(), ret(RESPONSE + 8)]).toEqual([{ head, length: 4 }, undefined, '00000000', 'aaaaaaaa']);
  });

  it('AMB-04 a response before its request breaks the rule of the queue: DEVICE_NEEDS_RESET', () => {
    queue.add([request(), request()]);
    // WRITE for the first descriptor of the two: flags are at 12 in a split table, at 14 in a packed ring.
    if (bits === 0n) bench.memory.write(queue.placement.desc + 12, Uint8Array.of(3));
    queue.publish();
    if (bits !== 0n) bench.memory.write(queue.placement.desc + 14, Uint8Array.of(0x83));
    bench.controller.notify(0);
    expect(bench.transport.errors).toMatchObject([{ code: 'readable-after-writable' }]);
    expect([bench.controller.status & DEVICE_NEEDS_RESET, syncer.started, ret()]).toEqual([DEVICE_NEEDS_RESET, 0, 'aaaaaaaa']);
  });

  it.each<[string, number]>([
    ['AMB-04 a response where there is no RAM', 2 ** 40],
    ['AMB-04 a response across the end of RAM', 0x10_0000 - 2],
    ['AMB-04 a response into the device\'s own range, which is not for DMA', RANGE + 4096],
    ['AMB-04 a response whose address + length wraps', 2 ** 64 - 2 ** 11],
  ])('%s: DEVICE_NEEDS_RESET when it would have to be written, after the sync', (_name, address) => {
    bench.memory.add({ start: RANGE, size: SIZE, writable: true });
    queue.add([request(), response(4, address)]);
    kick();
    expect(bench.transport.errors).toEqual([]);
    sync();
    expect(bench.transport.errors).toMatchObject([{ code: 'response-unmapped' }]);
    expect([bench.controller.status & DEVICE_NEEDS_RESET, queue.takeUsed(), backend.read(4096, 4)]).toEqual([DEVICE_NEEDS_RESET, undefined, 0]);
  });

  it('AMB-07 flushes are answered in the order of their syncs; a request that fails at once may overtake them, unless IN_ORDER', () => {
    for (const features of [0n, VIRTIO_F_IN_ORDER]) {
      queue = bringUpQueue(bench, { features: bits | features, size: 16 });
      const heads = [queue.add([request(), response()]), queue.add([request()]), queue.add([request(), response()])];
      kick();
      const early = queue.takeUsed()?.head;
      sync();
      const rest = [queue.takeUsed()?.head, queue.takeUsed()?.head, queue.takeUsed()?.head];
      expect([early, ...rest]).toEqual(features === 0n ? [heads[1], heads[0], heads[2], undefined] : [undefined, ...heads]);
    }
  });

  it('AMB-11 a range has the size of its backend, whatever that is', () => {
    expect(bench.controller.config.read(8, 4)).toBe(SIZE);
  });

  it('AMB-23 ACCESS_PLATFORM has no bearing on start, which is an address for the processor', () => {
    const before = [bench.controller.config.read(0, 4), bench.controller.config.read(4, 4)];
    bringUpQueue(bench, { features: bits | VIRTIO_F_ACCESS_PLATFORM, size: 16 });
    expect([bench.controller.config.read(0, 4), bench.controller.config.read(4, 4)]).toEqual(before);
  });
});
