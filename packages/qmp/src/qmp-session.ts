import type { z } from 'zod';
import { checkArguments } from './argument-check.ts';
import { formatMessage } from './format.ts';
import { introspect, mergeSchemas } from './schema/introspection.ts';
import { JsonStream, type JsonLimits, type JsonMessage } from './json/json-stream.ts';
import type { JsonValue, Writable } from './json/json-value.ts';
import { OutputGate } from './output-gate.ts';
import { isCommandName, qmpCommands, type CommandName, type Returned } from './schema/qmp-commands.ts';
import { QmpError } from './qmp-error.ts';
import type { EventData, EventName, QmpTimestamp } from './schema/qmp-events.ts';
import type { ForeignCommands, QmpHandlers, SessionCommand } from './qmp-handlers.ts';
import { isOutOfBand, readRequest, requestId } from './request.ts';
import type { SchemaEntry } from './schema/schema-info.ts';

/** Requests that wait for their turn while others run, once out-of-band commands may overtake them. */
const QUEUE_LENGTH = 8;
/** Characters that are shown of an error that is too long. */
const SHOWN = 200;

/** What a session answers with, and where it writes. */
export interface QmpSessionOptions {
  /** For the greeting and `query-version`. */
  readonly version: Returned<'query-version'>;
  readonly handlers: QmpHandlers;
  readonly foreign?: ForeignCommands;
  /** Indents what it sends. */
  readonly pretty?: boolean;
  /** Limits of a message; QEMU's if not given. */
  readonly limits?: Partial<JsonLimits>;
  /** Sends text. False: no more, as far as possible, until `drained` is called. */
  readonly write: (text: string) => boolean;
  /** Called when `paused` has changed. */
  readonly onPause?: (paused: boolean) => void;
  /** The client does not read and more than 1 MiB of events waits for it: the connection has to be closed. */
  readonly onOverflow: () => void;
  /** A handler threw something that is no `QmpError`. */
  readonly onInternalError?: (error: unknown, command: string) => void;
}

/**
 * The server's side of one QMP connection, whatever carries it. Requests run in order, one at a time; while one runs, or the
 * client does not read, no input is looked at and `paused` is true.
 */
export class QmpSession {
  readonly #options: QmpSessionOptions;
  readonly #stream: JsonStream;
  readonly #output: OutputGate;
  readonly #queue: JsonMessage[] = [];
  #idle: (() => void)[] = [];
  #running = false;
  #outOfBandRunning = false;
  #negotiated = false;
  #outOfBand = false;
  #paused = false;

  /** Sends the greeting. */
  constructor(options: QmpSessionOptions) {
    this.#options = options;
    this.#stream = new JsonStream(options.limits);
    this.#output = new OutputGate(options.write, () => options.onOverflow());
    this.#send({ QMP: { version: options.version, capabilities: ['oob'] } });
  }

  /** Whether the client may use commands and gets events. */
  get negotiated(): boolean {
    return this.#negotiated;
  }

  /** Whether the owner should leave the client's bytes where they are. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Takes what the client sent. While `paused`, it is kept until it can be looked at. */
  receive(bytes: Uint8Array): void {
    this.#stream.push(bytes);
    this.#read();
  }

  /** `write` may be used again. */
  drained(): void {
    this.#output.drained();
    this.#read();
    void this.#work();
  }

  /** Tells the client of an event, if it has negotiated. */
  event<N extends EventName>(name: N, data: EventData<N>, timestamp: QmpTimestamp = now()): void {
    this.foreignEvent(name, Object.keys(data).length === 0 ? undefined : data, timestamp);
  }

  /** Passes on an event that the schema may not have. */
  foreignEvent(event: string, data: unknown, timestamp: QmpTimestamp = now()): void {
    if (this.#negotiated) this.#send({ timestamp: { ...timestamp }, event, data: data as Writable });
  }

  /** Settles when everything received so far was answered, which a client that does not read holds up. */
  async idle(): Promise<void> {
    while (this.#busy && !this.#output.closed) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** The connection is gone: nothing is written any more, and requests that have not begun are forgotten. */
  end(): void {
    this.#output.close();
    this.#queue.length = 0;
    this.#settleIdle();
  }

  /** While the client does not read, there may be requests of its that nobody has looked at. */
  get #busy(): boolean {
    return this.#running || this.#outOfBandRunning || this.#queue.length > 0 || this.#output.full;
  }

  get #stalled(): boolean {
    const waiting = this.#outOfBand ? this.#queue.length >= QUEUE_LENGTH : this.#running || this.#queue.length > 0;
    return waiting || this.#outOfBandRunning || this.#output.full || this.#output.closed;
  }

  #read(): void {
    while (!this.#stalled) {
      const message = this.#stream.next();
      if (message === undefined) break;
      if (this.#outOfBand && message.error === undefined && isOutOfBand(message.value)) void this.#overtake(message);
      else {
        this.#queue.push(message);
        void this.#work();
      }
    }
    if (this.#paused !== this.#stalled) {
      this.#paused = this.#stalled;
      this.#options.onPause?.(this.#paused);
    }
    if (!this.#busy) this.#settleIdle();
  }

  async #overtake(message: JsonMessage): Promise<void> {
    this.#outOfBandRunning = true;
    await this.#answer(message);
    this.#outOfBandRunning = false;
    this.#read();
  }

  async #work(): Promise<void> {
    if (this.#running) return;
    for (let message = this.#take(); message !== undefined; message = this.#take()) {
      this.#running = true;
      await this.#answer(message);
      this.#running = false;
      this.#read();
    }
  }

  #take(): JsonMessage | undefined {
    return this.#running || this.#output.full ? undefined : this.#queue.shift();
  }

  async #answer(message: JsonMessage): Promise<void> {
    const id = message.error === undefined ? requestId(message.value) : undefined;
    try {
      if (message.error !== undefined) throw new QmpError('GenericError', message.error);
      this.#send({ return: (await this.#execute(message.value)) as Writable, id });
    } catch (error) {
      const { errorClass, message: desc } = error instanceof QmpError ? error : this.#internalError(error, message);
      this.#refuse(id, errorClass, desc);
    }
  }

  /** Says why not; in other words if those are more than can be written, as they may be that name a thing of 64 MiB twice. */
  #refuse(id: JsonValue | undefined, errorClass: string, desc: string): void {
    try {
      this.#send({ id, error: { class: errorClass, desc } });
    } catch {
      this.#send({ error: { class: errorClass, desc: `The answer is too long to be sent; it begins with: ${desc.slice(0, SHOWN)}` } });
    }
  }

  #internalError(error: unknown, { value }: JsonMessage): QmpError {
    const { execute, 'exec-oob': overtaking = execute } = value as Readonly<Record<string, string>>;
    const command = overtaking ?? '';
    this.#options.onInternalError?.(error, command);
    return new QmpError('GenericError', `Internal error in '${command}': ${error instanceof Error ? error.message : String(error)}`);
  }

  async #execute(message: JsonValue): Promise<unknown> {
    const { command, args, outOfBand } = readRequest(message, this.#outOfBand);
    if (!this.#negotiated && command !== 'qmp_capabilities') {
      throw new QmpError('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'");
    }
    if (this.#negotiated && command === 'qmp_capabilities') {
      throw new QmpError('CommandNotFound', 'Capabilities negotiation is already complete, command ignored');
    }
    const ours = isCommandName(command);
    if (!ours && !(await this.#isForeign(command))) throw new QmpError('CommandNotFound', `The command ${command} has not been found`);
    if (outOfBand && !(ours && 'allowOob' in qmpCommands[command])) throw new QmpError('GenericError', `The command ${command} does not support OOB`);
    const checked: unknown = ours ? checkArguments(qmpCommands[command].arguments as z.ZodType, args) : args;
    return ours ? await this.#run(command, checked) : await this.#options.foreign?.execute(command, args);
  }

  #run(command: CommandName, args: unknown): unknown {
    const own: Readonly<Record<SessionCommand, () => unknown>> = {
      qmp_capabilities: () => {
        this.#negotiated = true;
        this.#outOfBand = (args as { enable?: string[] }).enable?.includes('oob') ?? false;
        return {};
      },
      'query-version': () => this.#options.version,
      'query-commands': async () => {
        const foreign = (await this.#options.foreign?.commands()) ?? [];
        return [...new Set([...Object.keys(qmpCommands), ...foreign])].map((name) => ({ name }));
      },
      'query-qmp-schema': async () => {
        if (!(await this.#isForeign('query-qmp-schema'))) return introspect();
        return mergeSchemas(introspect('own-'), (await this.#options.foreign?.execute('query-qmp-schema', {})) as SchemaEntry[]);
      },
    };
    const handlers = { ...this.#options.handlers, ...own } as Readonly<Record<CommandName, (args: unknown) => unknown>>;
    return handlers[command](args);
  }

  async #isForeign(command: string): Promise<boolean> {
    return (await this.#options.foreign?.commands())?.includes(command) ?? false;
  }

  #send(message: Writable): void {
    this.#output.send(formatMessage(message, { pretty: this.#options.pretty ?? false }));
  }

  #settleIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const settle of waiting) settle();
  }
}

function now(): QmpTimestamp {
  const milliseconds = Date.now();
  return { seconds: Math.floor(milliseconds / 1000), microseconds: (milliseconds % 1000) * 1000 };
}
