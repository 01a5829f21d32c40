import { GuestMemoryFault, type GuestMemory } from '@vpmem/guest-memory';
import type { DescriptorChain, Segment } from './descriptor-chain.ts';
import type { DeviceQueue, QueueError } from './device-queue.ts';
import { unsharedError, type UnsharedError } from '../unshared-error.ts';

/** What a live queue needs from the device's surroundings. */
export interface QueueHost {
  /** Sends a used buffer notification for this queue. */
  interrupt(): void;
  /** The driver broke the queue; the whole device has to be reset. */
  failed(error: DriverError): void;
  /** Something of the driver's cannot be reached, which is not its fault; the queue lives on. */
  unreachable(error: UnsharedError): void;
  /** Calls back soon, after other devices have had their turn. */
  defer(callback: () => void): void;
  /** The queue is paused, and every buffer it had has been given back and announced. */
  settled(): void;
}

/** What ended a driver's session with the device: a mistake of its own, but for {@link UnsharedError} and `device-failed`, which is the device's. */
export type DriverError = QueueError | { readonly code: 'memory-fault' | 'response-unmapped' | 'too-many-outstanding' | 'device-failed'; readonly detail: string };

/**
 * What came of telling a driver to notify again. `found`: there are buffers that it may not have told of. `later`: the ring cannot be
 * reached for now, so the driver has not heard of it.
 */
export type Rest = 'rested' | 'found' | 'later';

/** A queue between DRIVER_OK and reset, what a device type works with; in service while the driver has it enabled. */
export class ActiveQueue {
  #ring: DeviceQueue | undefined;
  readonly #memory: GuestMemory;
  readonly #host: QueueHost;
  #outstanding = 0;
  #live = false;
  #paused = false;
  #held = false;
  /** Paused or held. */
  #still = false;
  /** The ring of a queue that goes on, until its place in it is found. */
  #lost: DeviceQueue | undefined;
  #deferred = false;
  /** Somebody looks for buffers, and the driver was told not to notify. */
  #polled = false;
  /** What could not be reached last. */
  #unreachable: UnsharedError | undefined;

  /** Not in service yet: {@link start}. */
  constructor(memory: GuestMemory, host: QueueHost) {
    this.#memory = memory;
    this.#host = host;
  }

  /** False until the driver enables it, and after a reset or a driver's mistake: nothing given to this queue reaches the driver. */
  get live(): boolean {
    return this.#live;
  }

  /** Whether the device has no buffer of this queue. */
  get settled(): boolean {
    return !this.#live || this.#outstanding === 0;
  }

  /**
   * Takes all available buffers, one call of `handle` each, and asks to be notified of the next, unless they are looked for. The
   * chain is only valid during the call. Every chain has to be given back with {@link complete}, then or later.
   *
   * After one ring's worth of buffers it goes on in a later turn. `finished` is called at the end of each, which is when what was
   * completed in it is to be notified of.
   */
  drain(handle: (chain: DescriptorChain) => void, finished: () => void = () => undefined): void {
    this.#takeAll(handle, finished);
    finished();
  }

  #takeAll(handle: (chain: DescriptorChain) => void, finished: () => void): void {
    if (this.#still) return;
    this.#guard((ring) => {
      // A driver on another CPU may add buffers as fast as they are answered; after one ring's worth others get their turn.
      for (let taken = 0; taken < ring.size && this.#live; taken++) {
        const popped = ring.pop();
        if (popped.code === 'empty') {
          if (this.#polled || ring.enableNotifications() !== true) return;
          continue;
        }
        if (popped.code !== 'chain') return this.fail(popped);
        if (++this.#outstanding > ring.size) {
          return this.fail({ code: 'too-many-outstanding', detail: `more than ${ring.size} buffers in flight` });
        }
        handle(popped);
        if (popped.unreachable !== undefined) this.#cannotReach(popped.unreachable);
      }
      if (!this.#live || this.#deferred) return;
      this.#deferred = true;
      this.#host.defer(() => {
        this.#deferred = false;
        this.drain(handle, finished);
      });
    });
  }

  /** Gives a buffer back with `written` of its writable bytes filled. Call {@link notify} after the last of a batch. */
  complete(head: number, written: number): void {
    if (!this.#live) return;
    this.#outstanding--;
    this.#guard((ring) => ring.push(head, written));
  }

  /** Reads what lies at `segments`, all of `target`. False if that cannot be reached, or the queue is not live any more. */
  gather(segments: readonly Segment[], target: Uint8Array): boolean {
    let read = false;
    this.#guard(() => {
      let done = 0;
      for (const { address, length } of segments) {
        if (!this.#memory.read(address, target.subarray(done, done + length))) {
          const unshared = unsharedError(this.#memory, 'request', address, length);
          if (unshared !== undefined) this.#cannotReach(unshared);
          return;
        }
        done += length;
      }
      read = true;
    });
    return read;
  }

  /**
   * Writes `bytes` to where {@link DescriptorChain.writablePrefix} said. False if that cannot be reached: the device has failed
   * then, unless that is not the driver's fault.
   */
  respond(segments: readonly Segment[], bytes: Uint8Array): boolean {
    let written = false;
    this.#guard(() => {
      let done = 0;
      for (const { address, length } of segments) {
        if (!this.#memory.write(address, length === bytes.length ? bytes : bytes.subarray(done, done + length))) {
          const unshared = unsharedError(this.#memory, 'response', address, length);
          if (unshared !== undefined) return this.#cannotReach(unshared);
          return this.fail({ code: 'response-unmapped', detail: `no RAM at 0x${address.toString(16)} to put the response into` });
        }
        done += length;
      }
      written = true;
    });
    return written;
  }

  /** Asks the driver for a reset because of a buffer that cannot be reached, and that it must not get back as it is. */
  giveUp(): void {
    if (this.#unreachable !== undefined) this.fail(this.#unreachable);
  }

  /** Sends the notification the driver wants for what was completed, if it wants one. */
  notify(): void {
    if (!this.#live) return;
    this.#guard((ring) => {
      if (ring.needsInterrupt()) this.#host.interrupt();
    });
    if (this.#still && this.settled) this.#host.settled();
  }

  /** Ends this queue's service and asks the driver for a reset. */
  fail(error: DriverError): void {
    if (!this.#live) return;
    this.#live = false;
    this.#host.failed(error);
  }

  /** Ends this queue's service without a word. */
  stop(): void {
    this.#live = false;
  }

  /** Buffers are looked for from now on, by {@link available}: the driver need not notify. */
  poll(): void {
    if (this.#polled || !this.#live) return;
    this.#polled = true;
    this.#guard((ring) => ring.disableNotifications());
  }

  /** Whether there are buffers to take, for whoever polls. */
  get available(): boolean {
    if (!this.#live || this.#still || !this.#polled) return false;
    try {
      return (this.#ring ?? this.#find())?.available === true;
    } catch (error) {
      this.#memoryGone(error);
      return false;
    }
  }

  /** The driver has to notify again from now on. */
  rest(): Rest {
    if (!this.#polled) return 'rested';
    // A queue that stands still asks when it goes on.
    const there = this.#still ? false : this.#ask();
    if (there === undefined) return 'later';
    this.#polled = false;
    return there ? 'found' : 'rested';
  }

  #ask(): boolean | undefined {
    if (!this.#live) return false;
    try {
      return (this.#ring ?? this.#find())?.enableNotifications();
    } catch (error) {
      this.#memoryGone(error);
      return false;
    }
  }

  /** Takes no more buffers until {@link resume}; those taken can be given back. */
  pause(): void {
    this.#paused = true;
    this.#still = true;
  }

  resume(): void {
    this.#paused = false;
    this.#still = this.#held;
  }

  /** As {@link pause}, whether it is paused or not, until {@link proceed}: for whoever replaces what serves it. */
  hold(): void {
    this.#held = true;
    this.#still = true;
  }

  proceed(): void {
    this.#held = false;
    this.#still = this.#paused;
  }

  /** Begins its service with the ring that the driver has enabled, perhaps in the place of one before {@link stop}. */
  start(ring: DeviceQueue): void {
    this.#ring = ring;
    this.#lost = undefined;
    this.#outstanding = 0;
    this.#polled = false;
    this.#live = true;
  }

  /** The same with a ring that was in service before, {@link DeviceQueue.goOnAt}: no memory is touched until it is used. */
  goOn(ring: DeviceQueue): void {
    this.start(ring);
    this.#ring = undefined;
    this.#lost = ring;
  }

  /** Undefined while the ring cannot be reached: somebody has to look for that, as the driver may have been told not to notify. */
  #find(): DeviceQueue | undefined {
    if (this.#lost?.locate() === true) {
      this.#ring = this.#lost;
      this.#lost = undefined;
    } else {
      this.#polled = true;
    }
    return this.#ring;
  }

  #cannotReach(error: UnsharedError): void {
    this.#unreachable = error;
    if (this.#live) this.#host.unreachable(error);
  }

  #guard(work: (ring: DeviceQueue) => void): void {
    if (!this.#live) return;
    try {
      const ring = this.#ring ?? this.#find();
      if (ring !== undefined) work(ring);
    } catch (error) {
      this.#memoryGone(error);
    }
  }

  #memoryGone(error: unknown): void {
    if (!(error instanceof GuestMemoryFault)) throw error;
    this.fail({ code: 'memory-fault', detail: error.message });
  }
}
