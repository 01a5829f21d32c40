import { describe, expect, it } from 'vitest';
import { ActiveQueue } from './rings/active-queue.ts';
import { createDeviceQueue } from './rings/create-device-queue.ts';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { DriverQueue } from './driver/driver-queue.ts';
import type { DeviceQueue } from './rings/device-queue.ts';
import type { QueuePlacement } from './driver/driver-virtqueue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_RING_PACKED } from './features.ts';
import { everyInterleaving, type Program, type World } from './testing/interleaving.ts';
import { PackedDriverQueue } from './driver/packed-driver-queue.ts';
import { QUEUE_FORMATS } from './testing.ts';

const BASE = 0x10;
const RAM = 0x100;
/** Flags: the driver has notified and was not heard yet; how often it has; how many buffers were given back. */
const [NOTIFIED, SENT, SERVED] = [0, 1, 2];

interface Plan {
  readonly features: bigint;
  readonly size: number;
  readonly buffers: number;
  /** The driver has one buffer out at a time, as one that flushes has. */
  readonly waits: boolean;
}

/** Ways to get it wrong, each of which has to be found: what {@link DeviceQueue.enableNotifications} does instead. */
const MISTAKES: Record<string, (ring: DeviceQueue) => boolean | undefined> = {
  'not looking again': (ring) => ring.enableNotifications() === undefined,
  'looking again before it asks': (ring) => {
    const { available } = ring;
    ring.enableNotifications();
    return available;
  },
  'not asking': (ring) => ring.available,
};

function placementOf({ features, size }: Plan): QueuePlacement & { readonly end: number } {
  return ((features & VIRTIO_F_RING_PACKED) === 0n ? DriverQueue : PackedDriverQueue).place(BASE, size);
}

function mistaken(ring: DeviceQueue, enable: (ring: DeviceQueue) => boolean | undefined): DeviceQueue {
  return {
    size: ring.size,
    check: () => ring.check(),
    begin: () => ring.begin(),
    goOnAt: (position) => ring.goOnAt(position),
    locate: () => ring.locate(),
    position: ring.position,
    pop: () => ring.pop(),
    push: (head, written) => ring.push(head, written),
    needsInterrupt: () => ring.needsInterrupt(),
    get available() {
      return ring.available;
    },
    enableNotifications: () => enable(ring),
    disableNotifications: () => ring.disableNotifications(),
  };
}

const broken = (): never => {
  throw new Error('nothing of this is broken');
};

/** A guest that makes buffers available, and notifies where the device wants it. */
function driver({ features, size, buffers, waits }: Plan): Program {
  return (actor) => {
    const queue = actor.alone(() => createDriverQueue(actor.memory, features, BASE, size));
    for (let sent = 1; sent <= buffers; sent++) {
      actor.alone(() => queue.add([{ address: 0, length: 4 }]));
      if (queue.publish()) {
        actor.alone(() => actor.raise(SENT));
        actor.raise(NOTIFIED);
      }
      if (!waits) continue;
      actor.waitFor(({ flags }) => (flags[SERVED] ?? 0) >= sent);
      actor.alone(() => queue.takeUsed());
    }
  };
}

/** A device thread as its loop and {@link ActiveQueue} make it: it sleeps until it is notified, looks, once at most in vain, and goes to sleep. */
function device(plan: Plan, enable: ((ring: DeviceQueue) => boolean | undefined) | undefined): Program {
  return (actor) => {
    const deferred: (() => void)[] = [];
    let [looks, expected] = [false, false];
    const poll = (): void => {
      looks = expected = true;
      queue.poll();
    };
    // Whoever is interrupted may have the next request at once, so it is looked for.
    const queue = new ActiveQueue(actor.memory, { interrupt: poll, failed: broken, unreachable: broken, defer: (callback) => deferred.push(callback), settled: broken });
    const { features, size } = plan;
    const ring = createDeviceQueue(actor.memory, features, { size, ...placementOf(plan) });
    queue.start(enable === undefined ? ring : mistaken(ring, enable));
    const serve = (): void =>
      queue.drain(
        ({ head }) => {
          queue.complete(head, 0);
          actor.alone(() => actor.raise(SERVED));
        },
        () => queue.notify(),
      );
    for (;;) {
      // As an EventLoop with a PollList has it: see there.
      for (let left = 1; looks || deferred.length > 0; ) {
        deferred.shift()?.();
        if (actor.alone(() => actor.take(NOTIFIED))) serve();
        if (left > 0 && actor.choose(2) === 0) {
          if (queue.available) serve();
          else left--;
          continue;
        }
        expected = false;
        const outcome = queue.rest();
        if (outcome === 'found') serve();
        looks = expected;
      }
      actor.waitFor(({ flags }) => (flags[NOTIFIED] ?? 0) > 0);
      actor.alone(() => actor.take(NOTIFIED));
      poll();
      serve();
    }
  };
}

interface Outcome {
  readonly states: number;
  readonly ends: number;
  /** Those in which the device sleeps and a buffer waits. */
  readonly lost: number;
  /** Most and fewest notifications that were sent for all the buffers. */
  readonly sent: readonly [number, number];
}

/** `enable`: a mistake. */
function tryAll(plan: Plan, enable?: (ring: DeviceQueue) => boolean | undefined): Outcome {
  const { device: area, end } = placementOf(plan);
  let [ends, lost, fewest, most] = [0, 0, Infinity, 0];
  const atEnd = ({ flags }: World): void => {
    ends++;
    if ((flags[SERVED] ?? 0) < plan.buffers) lost++;
    fewest = Math.min(fewest, flags[SENT] ?? 0);
    most = Math.max(most, flags[SENT] ?? 0);
  };
  // The driver reads the device's flags, and the slot of an event, with plain loads.
  const racing = (address: number): boolean => address >= area && address < end;
  const states = everyInterleaving({ ram: RAM, programs: [driver(plan), device(plan, enable)], racing, atEnd });
  return { states, ends, lost, sent: [fewest, most] };
}

const FORMATS = QUEUE_FORMATS.flatMap(([format, bits]) =>
  [0n, VIRTIO_F_EVENT_IDX].flatMap((event) =>
    [0n, VIRTIO_F_IN_ORDER].map(
      (order) => [`${format}${event === 0n ? '' : ', EVENT_IDX'}${order === 0n ? '' : ', IN_ORDER'}`, bits | event | order] as const,
    ),
  ),
);

const PLANS: [string, Omit<Plan, 'features'>][] = [
  ['two buffers at once', { size: 2, buffers: 2, waits: false }],
  ['three buffers at once', { size: 4, buffers: 3, waits: false }],
  ['three buffers, one after the other', { size: 4, buffers: 3, waits: true }],
];

describe.each(FORMATS)('every order of the steps of a driver and a device that goes to sleep and wakes: %s', (_, features) => {
  // In order is the order in which they are given back here anyway, so that nothing more comes of more buffers.
  const plans = (features & VIRTIO_F_IN_ORDER) === 0n ? PLANS : PLANS.slice(0, 1);
  it.each(plans)('%s: none is left in the ring, and one that is found by looking was not told of', (__, plan) => {
    const { states, ends, lost, sent } = tryAll({ features, ...plan });
    expect(lost).toBe(0);
    // The first is always told of, and each of the others in some order only: all has really been tried.
    expect(sent).toEqual([1, plan.buffers]);
    expect([states > 200, ends > 10]).toEqual([true, true]);
  });

  it.each(Object.entries(MISTAKES))('would find the mistake of %s', (__, enable) => {
    const { lost } = tryAll({ features, size: 2, buffers: 2, waits: true }, enable);
    expect(lost).toBeGreaterThan(0);
  });
});
