import type { Duplex } from 'node:stream';
import { TestbedError } from './testbed-error.ts';

/** An event of QEMU's monitor. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface QmpMessage {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Record<string, unknown>;
}

interface Waiter {
  matches(event: QmpEvent): boolean;
  resolve(event: QmpEvent): void;
}

/** QEMU's monitor in its JSON form (QMP), from the side of the one who asks. */
export class QmpClient {
  readonly #socket: Duplex;
  readonly #answers = new Map<number, (message: QmpMessage) => void>();
  readonly #waiters = new Set<Waiter>();
  readonly #events: QmpEvent[] = [];
  readonly #greeting: Promise<void>;
  #greet: () => void = () => undefined;
  #nextId = 1;
  #line = '';

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#greeting = new Promise((resolve) => (this.#greet = resolve));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
  }

  /** Waits for QEMU's greeting and enters command mode. */
  async negotiate(): Promise<void> {
    await this.#greeting;
    await this.execute('qmp_capabilities');
  }

  /** Never settles if QEMU goes away first. @throws TestbedError `refused` with QEMU's words */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    const message = await new Promise<QmpMessage>((resolve) => this.#answers.set(this.send(command, args), resolve));
    if (message.error === undefined) return message.return;
    throw new TestbedError('refused', `${command}: ${message.error.class}: ${message.error.desc}`);
  }

  /** Sends a command whose answer nobody waits for. @returns its id */
  send(command: string, args?: Readonly<Record<string, unknown>>): number {
    const id = this.#nextId++;
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    return id;
  }

  /** The first event of that name that nobody was given yet, whether it has come or is to come. */
  event(name: string, predicate: (event: QmpEvent) => boolean = () => true): { event: Promise<QmpEvent>; cancel: () => void } {
    const matches = (event: QmpEvent): boolean => event.event === name && predicate(event);
    const index = this.#events.findIndex(matches);
    const [early] = index < 0 ? [] : this.#events.splice(index, 1);
    if (early !== undefined) return { event: Promise.resolve(early), cancel: () => undefined };
    let waiter: Waiter | undefined;
    const event = new Promise<QmpEvent>((resolve) => {
      waiter = { matches, resolve };
      this.#waiters.add(waiter);
    });
    return { event, cancel: () => waiter !== undefined && this.#waiters.delete(waiter) };
  }

  #receive(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#take(JSON.parse(line) as QmpMessage);
  }

  #take(message: QmpMessage): void {
    if (message.QMP !== undefined) {
      this.#greet();
    } else if (message.event !== undefined) {
      this.#deliver({ event: message.event, data: message.data ?? {} });
    } else if (message.id !== undefined) {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
    }
  }

  #deliver(event: QmpEvent): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches(event)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(event);
      return;
    }
    this.#events.push(event);
  }
}
