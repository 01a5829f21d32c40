import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { RecorderWords, type RecorderMessage } from './recorder-messages.ts';

/** What comes to a recorder's thread, in the order in which it was posted. */
export class RecorderInbox {
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  /** Seen by {@link lookAhead}, from `#next` on, and not received yet. */
  #ahead: RecorderMessage[] = [];
  #next = 0;
  #arrived = 0;
  #received = 0;

  constructor(port: MessagePort, words: Int32Array) {
    this.#port = port;
    this.#words = words;
  }

  /** How many messages were received. */
  get received(): number {
    return this.#received;
  }

  /** The next message; waits for it. Then there is room for as much as it brought. */
  receive(): RecorderMessage {
    const message = this.#ahead[this.#next++] ?? this.#wait();
    if (this.#next >= this.#ahead.length) {
      this.#ahead = [];
      this.#next = 0;
    }
    this.#received++;
    if (message.type === 'runs') {
      Atomics.sub(this.#words, RecorderWords.waiting, message.before.length + message.after.length);
      Atomics.notify(this.#words, RecorderWords.waiting);
    }
    return message;
  }

  /** What has been posted and was not looked at before. It is received later all the same, and its room is taken until then. */
  lookAhead(): readonly RecorderMessage[] {
    const from = this.#ahead.length;
    for (let message = this.#take(); message !== undefined; message = this.#take()) this.#ahead.push(message);
    return this.#ahead.slice(from);
  }

  #wait(): RecorderMessage {
    for (;;) {
      const message = this.#take();
      if (message !== undefined) return message;
      Atomics.wait(this.#words, RecorderWords.posted, this.#arrived);
    }
  }

  #take(): RecorderMessage | undefined {
    const message = receiveMessageOnPort(this.#port)?.message as RecorderMessage | undefined;
    if (message !== undefined) this.#arrived++;
    return message;
  }
}
