import { randomUUID } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Connection } from '@vpmem/chardev';
import type { UnixStream } from '@vpmem/native';
import { formatMessage, isOutOfBand, JsonStream, QmpError, requestId, type JsonObject, type JsonValue, type Writable } from '@vpmem/qmp';
import { QemuMessages } from './qemu-messages.ts';
import type { QmpDesk } from './qmp-desk.ts';
import { UnixConnection } from './unix-chardev.ts';

/** Requests that wait while others run, once out-of-band commands may overtake them: as many as in QEMU. */
const QUEUE_LENGTH = 8;
/** Bytes of our own events that may wait for a client to read them. */
const MAX_UNREAD = 2 ** 20;

export interface QmpRelayOptions {
  /** Answers what is not QEMU's alone. */
  readonly desk: QmpDesk;
  /** Settles when a device that QEMU says is gone is gone here too. */
  readonly gone: (device: string) => Promise<void>;
  readonly pretty: boolean;
  /** A defect of ours; the command it happened in has failed, nothing else. */
  readonly internalError: (error: unknown) => void;
}

/** A request that is ours to answer. */
interface OwnRequest {
  readonly command: string;
  readonly args: JsonObject;
  readonly id: JsonValue | undefined;
  /** As it came, for QEMU, should it have to refuse it. */
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

/**
 * One client of a QMP monitor of QEMU, and that monitor. Bytes pass through as they are, both ways, descriptors included; so
 * whatever QEMU says, it says itself. Out of what the client sends are taken the commands that concern vpmem, and their answers
 * are put between QEMU's, in the order of the requests.
 */
export class QmpRelay {
  readonly #client: Connection;
  readonly #qemu: UnixStream;
  readonly #options: QmpRelayOptions;
  readonly #stream = new JsonStream();
  /** Bytes from the client that have not been passed on, and how many came before them. */
  #held = Buffer.alloc(0);
  #passed = 0;
  readonly #queue: (() => Promise<void>)[] = [];
  #working: Promise<void> | undefined;
  #negotiated = false;
  #outOfBandAsked = false;
  #roomForMore: (() => void) | undefined;
  /** Of the request to QEMU that says by its answer that all before it were answered. */
  readonly #mark = `vpmem-${randomUUID()}`;
  #marked: ((negotiated: boolean) => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #unread = 0;
  #heardAll: () => void = () => undefined;
  /** Settles when QEMU has gone and the client has all that it said, or has gone too. */
  readonly over = new Promise<void>((resolve) => (this.#heardAll = resolve));

  /** @param qemu connected to the monitor, nothing read from it yet; it belongs to the relay */
  constructor(client: Connection, qemu: UnixStream, options: QmpRelayOptions) {
    this.#client = client;
    this.#qemu = qemu;
    this.#options = options;
    // Its end is heard of where it is read.
    qemu.on('error', () => undefined);
    client.gone.addEventListener('abort', () => qemu.destroy());
  }

  /** Serves until either side has gone. */
  async serve(): Promise<void> {
    await Promise.all([this.#readClient(), this.#readQemu()]);
  }

  /** Tells the client of something that QEMU does not know; one that does not read is hung up on in the end. */
  event(event: string, data: object): void {
    if (!this.#negotiated || this.#client.gone.aborted) return;
    const milliseconds = Date.now();
    const timestamp = { seconds: Math.floor(milliseconds / 1000), microseconds: (milliseconds % 1000) * 1000 };
    const text = this.#format({ timestamp, event, data: data as Writable });
    this.#unread += text.length;
    if (this.#unread > MAX_UNREAD) this.#client.hangUp();
    else void this.#write(text).then(() => (this.#unread -= text.length));
  }

  async #readClient(): Promise<void> {
    for await (const chunk of this.#client.chunks()) {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#stream.push(chunk);
      for (let message = this.#stream.next(); message !== undefined; message = this.#stream.next()) {
        this.#take(message.error === undefined ? message.value : undefined);
        while (this.#queue.length >= (this.#outOfBandAsked ? QUEUE_LENGTH : 1) && !this.#client.gone.aborted) await new Promise<void>((resolve) => (this.#roomForMore = resolve));
      }
    }
    // Whoever has said all gets the answers; QEMU hears of it after the last request.
    await this.#working;
    this.#qemu.end();
  }

  /** Passes a message on, or puts it in line for the desk. */
  #take(message: JsonValue | undefined): void {
    const request = message === undefined ? undefined : readRequest(message);
    if (request === undefined || !this.#options.desk.concerns(request.command, request.args)) {
      if (request?.command === 'qmp_capabilities') this.#outOfBandAsked = Array.isArray(request.args.enable) && request.args.enable.includes('oob');
      const part = this.#cut(this.#stream.position);
      // What is in line goes first, except for what may overtake it.
      if (this.#working === undefined || (message !== undefined && isOutOfBand(message))) this.#pass(part.bytes, part.fds);
      else {
        this.#enqueue(() => {
          this.#pass(part.bytes, part.fds);
          return Promise.resolve();
        });
      }
      return;
    }
    // Blanks, and what is left of a message that was wrong.
    const before = this.#cut(this.#stream.began);
    const { bytes, fds } = this.#cut(this.#stream.position);
    this.#enqueue(async () => {
      if (before.bytes.length > 0) this.#pass(before.bytes, before.fds);
      await this.#answer({ ...request, bytes, fds });
    });
  }

  #enqueue(action: () => Promise<void>): void {
    this.#queue.push(action);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let action = this.#queue[0]; action !== undefined; action = this.#queue[0]) {
      await action();
      this.#queue.shift();
      this.#roomForMore?.();
    }
    this.#working = undefined;
  }

  async #answer({ command, args, id, bytes, fds }: OwnRequest): Promise<void> {
    // Only after all before it have been answered; and QEMU says best that nothing was negotiated yet.
    if (!(await this.#allAnswered())) {
      this.#pass(bytes, fds);
      return;
    }
    fds.forEach((fd) => closeSync(fd));
    try {
      const value = await this.#options.desk.answer(command, args);
      await this.#write(this.#format({ return: value, id }));
    } catch (error) {
      await this.#write(this.#format({ id, error: this.#explain(error, command) }));
    }
  }

  #explain(error: unknown, command: string): { class: string; desc: string } {
    if (error instanceof QmpError) return { class: error.errorClass, desc: error.message };
    this.#options.internalError(error);
    return { class: 'GenericError', desc: `Internal error in '${command}': ${error instanceof Error ? error.message : String(error)}` };
  }

  /** Settles when QEMU has answered everything that was passed on; false if it takes no commands yet, or has gone. */
  #allAnswered(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#qemu.destroyed || this.#client.gone.aborted) {
        resolve(false);
        return;
      }
      this.#marked = resolve;
      this.#pass(Buffer.from(`{"execute": "query-name", "id": "${this.#mark}"}`), []);
    });
  }

  /** The bytes up to a place in what the client has sent, and their descriptors. */
  #cut(end: number): { bytes: Buffer; fds: number[] } {
    const bytes = this.#held.subarray(0, end - this.#passed);
    this.#held = this.#held.subarray(bytes.length);
    this.#passed = end;
    return { bytes, fds: this.#client instanceof UnixConnection ? this.#client.takeDescriptors(end) : [] };
  }

  #pass(bytes: Buffer, fds: readonly number[]): void {
    this.#qemu.writeWith(bytes, fds);
  }

  async #readQemu(): Promise<void> {
    const messages = new QemuMessages();
    try {
      for await (const chunk of this.#qemu.iterator({ destroyOnReturn: false })) {
        for (const message of messages.take((chunk as Buffer).toString('latin1'))) await this.#hear(message);
      }
    } catch {
      // QEMU has gone, or the client has: there is nothing more to hear.
    }
    this.#marked?.(false);
    this.#roomForMore?.();
    await this.#writing;
    await this.#client.end();
    this.#heardAll();
  }

  async #hear(text: string): Promise<void> {
    if (text.includes(this.#mark)) {
      this.#marked?.(text.includes('"return"'));
      return;
    }
    // Before the negotiation nothing but its own success is a return, and no event comes.
    if (!this.#negotiated && text.includes('"return"')) this.#negotiated = true;
    // What was one of our devices is gone when it is gone here as well: then its backend is free.
    if (text.includes('"DEVICE_DELETED"')) {
      const { event, data } = JSON.parse(text) as { event?: string; data?: { device?: string } };
      if (event === 'DEVICE_DELETED' && data?.device !== undefined) await this.#options.gone(data.device);
    }
    await this.#write(Buffer.from(text, 'latin1'));
  }

  #format(message: Writable): string {
    return formatMessage(message, { pretty: this.#options.pretty });
  }

  /** Whole messages, one after the other. */
  #write(data: string | Buffer): Promise<void> {
    this.#writing = this.#writing.then(() => this.#client.write(data));
    return this.#writing;
  }
}

/** A message as a request in band, if it is one that nothing is wrong with. */
function readRequest(message: JsonValue): { command: string; args: JsonObject; id: JsonValue | undefined } | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return undefined;
  const { execute, arguments: args = {} } = message as JsonObject;
  if (typeof execute !== 'string' || typeof args !== 'object' || args === null || Array.isArray(args)) return undefined;
  if (!Object.keys(message).every((name) => name === 'execute' || name === 'arguments' || name === 'id')) return undefined;
  return { command: execute, args: args as JsonObject, id: requestId(message) };
}
