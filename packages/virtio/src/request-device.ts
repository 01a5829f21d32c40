import type { ActiveQueue } from './rings/active-queue.ts';
import type { DescriptorChain } from './rings/descriptor-chain.ts';
import { DeviceRequest } from './device-request.ts';
import type { ActiveDriver, VirtioDevice } from './virtio-device.ts';

/**
 * A device that answers requests, at once or later and in any order, and does nothing else: what is left to say is which device it is, and what
 * an answer is. Notifications, used lengths and resets are taken care of: a reset is over when the requests that were begun are.
 */
export abstract class RequestDevice implements VirtioDevice {
  abstract readonly deviceId: number;
  abstract readonly queueSizes: readonly number[];
  readonly features: bigint = 0n;
  #queues: readonly RequestQueue[] = [];

  /**
   * Carries out a request of queue `queue`, and writes its answer. The driver gets its buffer back when this returns, or when the promise is
   * kept, also if nothing was written; so no answer of success may be written before it is true.
   *
   * What a driver does wrong is to be answered. An exception is the device's own failure: the driver is asked for a reset, and whoever hears of
   * driver errors is told the message.
   */
  protected abstract answer(request: DeviceRequest, queue: number): void | Promise<void>;

  activate({ queues }: ActiveDriver): void {
    this.#queues = queues.map((queue, index) => new RequestQueue(queue, (request) => this.answer(request, index)));
  }

  notified(index: number): void {
    this.#queues[index]?.serve();
  }

  resetQueue(index: number, done: () => void): void {
    const queue = this.#queues[index];
    if (queue === undefined) done();
    else queue.forget(done);
  }

  deactivate(done: () => void): void {
    const queues = this.#queues;
    this.#queues = [];
    let left = queues.length;
    if (left === 0) done();
    for (const queue of queues) {
      queue.forget(() => {
        if (--left === 0) done();
      });
    }
  }
}

/** Requests since the queue was enabled; those before a reset are of another. */
interface Round {
  begun: number;
  /** Set when the driver has reset the queue. */
  over: (() => void) | undefined;
}

/** What a {@link RequestDevice} has of one queue. */
class RequestQueue {
  readonly #queue: ActiveQueue;
  readonly #answer: (request: DeviceRequest) => void | Promise<void>;
  #round: Round = { begun: 0, over: undefined };

  constructor(queue: ActiveQueue, answer: (request: DeviceRequest) => void | Promise<void>) {
    this.#queue = queue;
    this.#answer = answer;
  }

  serve(): void {
    const round = this.#round;
    this.#queue.drain(
      (chain) => this.#begin(chain, round),
      () => this.#queue.notify(),
    );
  }

  /** Nothing that was begun reaches the driver any more; `done` is called, possibly at once, when all of it has ended. */
  forget(done: () => void): void {
    const round = this.#round;
    this.#round = { begun: 0, over: undefined };
    if (round.begun === 0) done();
    else round.over = done;
  }

  #begin(chain: DescriptorChain, round: Round): void {
    const { head, unreachable } = chain;
    if (unreachable !== undefined) return this.#queue.fail(unreachable);
    const request = new DeviceRequest(this.#queue, chain);
    round.begun++;
    try {
      const answered = this.#answer(request);
      if (answered === undefined) return this.#end(head, request, round);
      answered.then(
        () => {
          this.#end(head, request, round);
          if (round === this.#round) this.#queue.notify();
        },
        (error: unknown) => this.#failed(error, request, round),
      );
    } catch (error) {
      this.#failed(error, request, round);
    }
  }

  #end(head: number, request: DeviceRequest, round: Round): void {
    round.begun--;
    if (round === this.#round) {
      // A driver that finds nothing where it looks for an answer could take that for one.
      if (request.refused) this.#queue.giveUp();
      else this.#queue.complete(head, request.written);
    } else if (round.begun === 0) {
      round.over?.();
    }
  }

  #failed(error: unknown, request: DeviceRequest, round: Round): void {
    if (round === this.#round) this.#queue.fail({ code: 'device-failed', detail: error instanceof Error ? error.message : String(error) });
    this.#end(0, request, round);
  }
}
