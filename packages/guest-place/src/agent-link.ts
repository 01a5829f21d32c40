import type { Socket } from 'node:net';
import { encodeMessage, MessageReader } from './agent-message.ts';

/** What is heard of a request: its step, and then its answer. */
export interface AgentReply {
  readonly values: ReadonlyMap<string, Buffer>;
}

/** Our end of the port to the guest's agent. One request at a time. */
export class AgentLink {
  readonly #messages = new MessageReader();
  #socket: Socket | undefined;
  #settle: ((reply: AgentReply) => void) | undefined;
  #fail: (error: Error) => void = () => undefined;
  #ready: () => void = () => undefined;
  #step = '';
  #heard: (step: string) => void = () => undefined;

  /** Settles when the agent takes requests. */
  readonly ready = new Promise<void>((resolve) => (this.#ready = resolve));
  /** Fails if what is heard is no message. */
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  constructor() {
    // Whoever waits for an answer waits for this too.
    this.failed.catch(() => undefined);
  }

  /** What the request that was made last has come to. */
  get step(): string {
    return this.#step;
  }

  connect(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const message of this.#messages.receive(bytes)) this.#take(message);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  /** Has the checker that runs killed; its request is answered then. */
  endChecker(): void {
    this.#socket?.write(encodeMessage(['end']));
  }

  /** Settles with the answer, never if there is none. @param heard is told of each step after the mount */
  request(members: readonly (string | Uint8Array)[], heard: (step: string) => void = () => undefined): Promise<AgentReply> {
    this.#step = 'mount';
    this.#heard = heard;
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket?.write(encodeMessage(members));
    });
  }

  #take([kind, ...members]: Buffer[]): void {
    switch (kind?.toString()) {
      case 'ready':
        this.#ready();
        return;
      case 'step':
        this.#step = members[0]?.toString() ?? '';
        this.#heard(this.#step);
        return;
      case 'done': {
        const values = new Map<string, Buffer>();
        for (let i = 0; i + 1 < members.length; i += 2) values.set(members[i]?.toString() ?? '', members[i + 1] ?? Buffer.alloc(0));
        this.#settle?.({ values });
        this.#settle = undefined;
        return;
      }
      default:
        throw new RangeError(`the agent said ${kind?.toString().slice(0, 100) ?? 'nothing'}`);
    }
  }
}
