import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import { SplitQueue } from '@vpmem/virtio';
import { DriverQueue } from '@vpmem/virtio/driver';
import { median } from './statistics.ts';

const SIZE = 128;
const RAM = 0x1_0000;
const [REQUEST, RESPONSE] = [0x8000, 0x9000];

/**
 * Nanoseconds for the device's side of one request of two descriptors: take it from the ring, walk its chain, give it back;
 * with `copy` also read its 4 bytes and write 4 in answer. The driver's side is not in the time.
 */
export function measureQueue(copy: boolean): number {
  const memory = new GuestMemory();
  memory.add({ start: 0, size: RAM, writable: true, backing: bufferBacking(new ArrayBuffer(RAM)) });
  const placement = DriverQueue.place(0x1000, SIZE);
  const driver = new DriverQueue(memory, placement, { size: SIZE, eventIndex: true });
  const device = new SplitQueue(
    memory,
    { size: SIZE, desc: placement.desc, driver: placement.driver, device: placement.device },
    { eventIndex: true, indirect: true },
  );
  const request = new Uint8Array(4);
  const response = new Uint8Array(4);

  const serve = (): number => {
    let served = 0;
    for (let popped = device.pop(); popped.code === 'chain'; popped = device.pop()) {
      if (copy) {
        popped.gather(memory, request);
        memory.write(popped.writablePrefix(4)?.[0]?.address ?? 0, response);
      }
      device.push(popped.head, 4);
      served++;
    }
    device.enableNotifications();
    device.needsInterrupt();
    return served;
  };

  const perRequest: number[] = [];
  for (let round = 0; round < 400; round++) {
    let spent = 0;
    let served = 0;
    for (let batch = 0; batch < 50; batch++) {
      const wanted = SIZE / 2;
      for (let i = 0; i < wanted; i++) driver.add([{ address: REQUEST, length: 4 }, { address: RESPONSE, length: 4, writable: true }]);
      driver.publish();
      const before = process.hrtime.bigint();
      const count = serve();
      spent += Number(process.hrtime.bigint() - before);
      if (count !== wanted) throw new Error(`${count} of ${wanted} requests came through`);
      served += count;
      while (driver.takeUsed() !== undefined);
    }
    // The compiler needs some rounds to see what is hot.
    if (round >= 100) perRequest.push(spent / served);
  }
  return median(perRequest);
}
