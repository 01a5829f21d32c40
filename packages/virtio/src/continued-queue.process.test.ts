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

/** What is wrong with what the driver got back; an `expect` for each of thousands of lives would be much of what they take. */
function wrongWith(device: MortalDevice, kills: readonly number[]): string | undefined {
  // Whoever continues may be through before its own last step comes.
  const deaths = kills.filter((kill) => kill <= device.steps).length;
  if (device.deaths !== deaths) return `died ${device.deaths} times, not ${deaths}`;
  if (device.used.length !== device.added) return `${device.used.length} buffers were given back, not ${device.added}`;
  return device.queue.takeUsed() === undefined ? undefined : 'a buffer was given back that the driver was not told of';
}

describe.each(FORMATS)('a queue (%s) whose device is killed', (_, features) => {
  const undisturbed = new MortalDevice(features, []);
  live(undisturbed);
  const { steps } = undisturbed;
  /** Lives of which each is killed before those steps, and what is wrong with them. */
  const wrong = (lives: Iterable<readonly number[]>): string[] => {
    const found: string[] = [];
    for (const kills of lives) {
      const device = new MortalDevice(features, kills);
      live(device);
      const problem = wrongWith(device, kills);
      if (problem !== undefined) found.push(`killed before ${kills.join(' and ')}: ${problem}`);
    }
    return found.slice(0, 20);
  };

  it('gives every buffer back without', () => {
    expect(wrongWith(undisturbed, [])).toBeUndefined();
    expect(undisturbed.added).toBe(18);
  });

  it('gives every buffer back once, and says so, before whichever step it dies', () => {
    expect(wrong(Array.from({ length: steps }, (__, i) => [i + 1]))).toEqual([]);
  });

  it('does so when whoever continues dies as well, before whichever step', () => {
    const lives = Array.from({ length: Math.ceil(steps / 7) }, (__, i) => 1 + 7 * i).flatMap((kill) => Array.from({ length: 24 }, (___, again) => [kill, kill + 1 + again]));
    expect(wrong(lives)).toEqual([]);
  });
});
