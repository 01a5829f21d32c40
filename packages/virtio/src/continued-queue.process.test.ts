import { describe, expect, it } from 'vitest';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from './features.ts';
import { MortalDevice } from './testing/mortal-device.ts';

const FORMATS = [0n, VIRTIO_F_RING_PACKED].flatMap((format) =>
  [0n, VIRTIO_F_EVENT_IDX].flatMap((event) =>
    [0n, VIRTIO_F_IN_ORDER].map((order): [string, bigint] => [
      `${format === 0n ? 'split' : 'packed'}${event === 0n ? '' : ', EVENT_IDX'}${order === 0n ? '' : ', IN_ORDER'}`,
      format | event | order | VIRTIO_F_INDIRECT_DESC,
    ]),
  ),
);

/** Some rounds of a ring of 4: finished in and out of order, found by the driver's word and by looking, with lists that cross its end. */
function live(device: MortalDevice): void {
  for (let round = 0; round < 3; round++) {
    device.send(1);
    device.send(2);
    device.finish('newest');
    device.finish('oldest');
    device.act((controller) => controller.poll());
    device.send(-3);
    device.act((controller) => controller.look());
    device.act((controller) => void controller.rest());
    device.send(1);
    device.finish('oldest');
    device.finish('newest');
    device.finish('oldest');
    device.send(2, 1);
    device.finish('newest');
    device.finish('newest');
    device.finish('oldest');
  }
  // What it has now it was told of, or found; nobody helps.
  while (device.device.held.length > 0) device.finish('oldest');
}

function expectAll(device: MortalDevice): void {
  expect(device.used.length).toBe(device.added);
  expect(device.queue.takeUsed()).toBeUndefined();
}

describe.each(FORMATS)('a queue (%s) whose device is killed', (_, features) => {
  const undisturbed = new MortalDevice(features, []);
  live(undisturbed);
  const { steps } = undisturbed;

  it('gives every buffer back without', () => {
    expectAll(undisturbed);
    expect(undisturbed.added).toBe(18);
  });

  it('gives every buffer back once, and says so, before whichever step it dies', () => {
    for (let kill = 1; kill <= steps; kill++) {
      const device = new MortalDevice(features, [kill]);
      live(device);
      expect(device.deaths, `killed before step ${kill}`).toBe(1);
      expect(device.used.length, `killed before step ${kill}`).toBe(device.added);
      expectAll(device);
    }
  });

  it('does so when whoever continues dies as well, before whichever step', () => {
    for (let kill = 1; kill <= steps; kill += 7) {
      for (let again = 1; again <= 24; again++) {
        const device = new MortalDevice(features, [kill, kill + again]);
        live(device);
        expect(device.used.length, `killed before steps ${kill} and ${kill + again}`).toBe(device.added);
      }
    }
  });
});
