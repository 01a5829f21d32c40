import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { formatMessage } from './format.ts';
import { JsonStream } from './json/json-stream.ts';
import { isObject, type JsonValue, type Writable } from './json/json-value.ts';
import { QmpConnectionError } from './qmp-connection-error.ts';
import { qmpCommands, type Arguments, type CommandName, type Returned } from './schema/qmp-commands.ts';
import { QmpError } from './qmp-error.ts';
import type { EventName, QmpEvent } from './schema/qmp-events.ts';

/** Where a server listens. */
export type QmpAddress = { readonly path: string } | { readonly host?: string; readonly port: number };

/** How a client connects. */
export interface QmpClientOptions {
  /** Gives up while connecting and negotiating. */
  readonly signal?: AbortSignal;
}

/** How a command is executed. */
export interface ExecuteOptions {
  /** Overtakes commands that wait, where server and command allow it. */
  readonly outOfBand?: boolean;
}

/** Whether a command can be used without arguments. */
type Optional<T> = Record<string, never> extends T ? true : Partial<T> extends T ? true : false;
/** What `execute` takes after the name. */
export type ExecuteArguments<N extends CommandName> =
  Optional<Arguments<N>> extends true ? [args?: Arguments<N>, options?: ExecuteOptions] : [args: Arguments<N>, options?: ExecuteOptions];

const Greeting = z.object({ version: qmpCommands['query-version'].returns, capabilities: z.array(z.string()) });
const Failure = z.object({ class: z.string(), desc: z.string() });
type Greeting = z.infer<typeof Greeting>;

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The client's side of a QMP connection, to our servers or to QEMU. */
export class QmpClient {
  readonly #stream: Duplex;
  readonly #json = new JsonStream();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #ended: Promise<QmpConnectionError>;
  /** Who waits for an event, and hears here that none will come. */
  readonly #waiting = new Set<(error: QmpConnectionError) => void>();
  #settleEnd: (error: QmpConnectionError) => void = () => undefined;
  #end: QmpConnectionError | undefined;
  #greeted: ((greeting: Greeting) => void) | undefined;
  #greeting: Greeting | undefined;
  #nextId = 1;

  /** Connects, waits for the greeting and negotiates. @throws QmpConnectionError */
  static async connect(address: QmpAddress, options: QmpClientOptions = {}): Promise<QmpClient> {
    return await QmpClient.over(connectSocket('path' in address ? { path: address.path } : { host: address.host ?? 'localhost', port: address.port }), options);
  }

  /** The same over a connection that exists, or is about to. It belongs to the client from now on. */
  static async over(stream: Duplex, { signal }: QmpClientOptions = {}): Promise<QmpClient> {
    const client = new QmpClient(stream);
    const abort = (): void => client.#finish(new QmpConnectionError('aborted', 'given up before the server answered', { cause: signal?.reason }));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted === true) abort();
      await client.#negotiate();
      return client;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.#ended = new Promise((resolve) => (this.#settleEnd = resolve));
    stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    stream.on('error', (error) => this.#finish(new QmpConnectionError('ended', `the connection failed: ${error.message}`, { cause: error })));
    stream.on('close', () => this.#finish(new QmpConnectionError('ended', 'the server has closed the connection')));
    stream.on('end', () => this.#finish(new QmpConnectionError('ended', 'the server has closed the connection')));
  }

  /** From the greeting. */
  get version(): Returned<'query-version'> {
    return this.#needGreeting().version;
  }

  /** Whether `outOfBand` can be used. */
  get outOfBand(): boolean {
    return this.#needGreeting().capabilities.includes('oob');
  }

  /** Settles, with the reason, when the connection has ended. */
  get ended(): Promise<QmpConnectionError> {
    return this.#ended;
  }

  /**
   * Runs a command of the schema.
   * @throws QmpError what the server answered
   * @throws QmpConnectionError the connection ended, or the answer is not what the schema says
   */
  async execute<N extends CommandName>(command: N, ...[args, options]: ExecuteArguments<N>): Promise<Returned<N>> {
    const answer = await this.executeAny(command, args, options);
    const misfit = findMisfit(qmpCommands[command].returns, answer);
    if (misfit !== undefined) throw new QmpConnectionError('bad-answer', `the answer to '${command}' is not what the schema says: ${misfit}`);
    return answer as Returned<N>;
  }

  /** Runs any command; what comes back is unchecked. Errors are those of `execute`. */
  async executeAny(command: string, args: Readonly<Record<string, unknown>> = {}, { outOfBand = false }: ExecuteOptions = {}): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { command, resolve, reject });
      this.#stream.write(formatMessage({ [outOfBand ? 'exec-oob' : 'execute']: command, arguments: args as Writable, id }));
    });
  }

  /** Calls `listener` for every event from now on; returns how to stop that. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    const own = (event: QmpEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Calls `listener` for every such event from now on; returns how to stop that. */
  on<N extends EventName>(name: N, listener: (event: QmpEvent<N>) => void): () => void {
    return this.onEvent((event) => {
      if (event.event === name) listener(event as QmpEvent<N>);
    });
  }

  /** The next such event from now on: ask before you do what it will come from. @throws QmpConnectionError @throws the signal's reason */
  waitForEvent<N extends EventName>(name: N, predicate?: (event: QmpEvent<N>) => boolean, options?: { readonly signal?: AbortSignal }): Promise<QmpEvent<N>>;
  waitForEvent(name: string, predicate?: (event: QmpEvent) => boolean, options?: { readonly signal?: AbortSignal }): Promise<QmpEvent>;
  async waitForEvent(name: string, predicate: (event: never) => boolean = () => true, { signal }: { readonly signal?: AbortSignal } = {}): Promise<QmpEvent> {
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
    let stop = (): void => undefined;
    try {
      return await new Promise<QmpEvent>((resolve, reject) => {
        const unsubscribe = this.onEvent((event) => {
          if (event.event === name && predicate(event as never)) resolve(event);
        });
        const abort = (): void => reject(signal?.reason as Error);
        signal?.addEventListener('abort', abort, { once: true });
        this.#waiting.add(reject);
        stop = () => {
          unsubscribe();
          signal?.removeEventListener('abort', abort);
          this.#waiting.delete(reject);
        };
      });
    } finally {
      stop();
    }
  }

  /** Ends the connection; whatever is pending rejects. */
  close(): void {
    this.#finish(new QmpConnectionError('ended', 'the connection was closed on this side'));
  }

  async #negotiate(): Promise<void> {
    const greeting = new Promise<Greeting>((resolve) => (this.#greeted = resolve));
    const first = await Promise.race([greeting, this.#ended]);
    if (first instanceof QmpConnectionError) throw first;
    this.#greeting = first;
    await this.execute('qmp_capabilities', this.outOfBand ? { enable: ['oob'] } : {});
  }

  #needGreeting(): Greeting {
    if (this.#greeting === undefined) throw new QmpConnectionError('not-qmp', 'the server has not greeted yet');
    return this.#greeting;
  }

  #receive(bytes: Uint8Array): void {
    this.#json.push(bytes);
    for (let message = this.#json.next(); message !== undefined && this.#end === undefined; message = this.#json.next()) {
      if (message.error === undefined) this.#take(message.value);
      else this.#finish(new QmpConnectionError('not-qmp', `what the server sends is not QMP: ${message.error}`));
    }
  }

  #take(message: JsonValue): void {
    if (!isObject(message)) return this.#finish(new QmpConnectionError('not-qmp', 'the server sends something that is no object'));
    if (Object.hasOwn(message, 'QMP')) return this.#greet(message.QMP);
    if (typeof message.event === 'string') {
      for (const listener of [...this.#listeners]) listener(message as unknown as QmpEvent);
      return;
    }
    const { id, error } = message;
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (pending === undefined) return this.#finish(new QmpConnectionError('not-qmp', `the server answers what was not asked: ${formatMessage(message).trim()}`));
    const failure = Failure.safeParse(error).data;
    if (error !== undefined && failure === undefined) return this.#finish(new QmpConnectionError('not-qmp', `the server answers with an error that says nothing: ${formatMessage(error).trim()}`));
    this.#pending.delete(id as number);
    if (failure === undefined) pending.resolve(message.return);
    else pending.reject(new QmpError(failure.class, failure.desc));
  }

  #greet(greeting: JsonValue | undefined): void {
    const misfit = findMisfit(Greeting, greeting);
    if (misfit === undefined) this.#greeted?.(greeting as unknown as Greeting);
    else this.#finish(new QmpConnectionError('not-qmp', `the server greets in a way that is not QMP: ${misfit}`));
  }

  #finish(error: QmpConnectionError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#stream.destroy();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const reject of this.#waiting) reject(error);
    this.#settleEnd(error);
  }
}

/** What is wrong with a value; members that the schema lacks are not, since a newer server may tell more. */
function findMisfit(schema: z.ZodType, value: unknown): string | undefined {
  const issue = schema.safeParse(value).error?.issues.find(({ code }) => code !== 'unrecognized_keys');
  return issue && `${issue.path.length === 0 ? 'it' : issue.path.join('.')}: ${issue.message}`;
}
