import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessGroup, signalIfThere } from './process-group.ts';
import { tail } from './program.ts';
import { QmpClient, type QmpEvent } from './qmp-client.ts';
import { SocketInbox } from './socket-inbox.ts';
import { TestbedError, type TestbedErrorCode } from './testbed-error.ts';

const DEFAULT_WAIT = 240_000;
/** How long QEMU may take to end by itself when it is asked to, and then when it is killed. */
const STOP_TIME = 5_000;

/** How a process ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long is waited. */
export interface WaitOptions {
  /** In milliseconds; 30,000 if not given. */
  readonly timeout?: number;
}

export interface QemuStart {
  /** Makes the command line around the arguments that QEMU has to have. */
  readonly commandLine: (ours: readonly string[]) => readonly string[];
  /** Whether that is QEMU itself, and not something that starts it. */
  readonly direct: boolean;
  /** Character devices to make, by their ids, and what to do with the connection of each. */
  readonly channels: Readonly<Record<string, (socket: Socket) => void>>;
  /** What else an error should show. */
  readonly context?: () => string;
}

/** A QEMU that runs, with its monitor and its end. Every wait ends when it does, at the latest after its time. */
export class QemuProcess {
  readonly #start: QemuStart;
  readonly #command: readonly string[];
  readonly #group: ProcessGroup;
  readonly #folder: string;
  readonly #inboxes: readonly SocketInbox[];
  readonly #ended: Promise<ChildExit>;
  /** For who ends without {@link stop}; QEMU itself ends with us in any case. */
  readonly #atExit = (): void => this.#removeFolder();
  #qmp: QmpClient | undefined;
  #pid: number | undefined;
  #stderr = '';
  #exited: ChildExit | undefined;
  #stopping: Promise<void> | undefined;

  /** Starts it and waits until its monitor answers. @throws TestbedError with all that it said */
  static async start(start: QemuStart): Promise<QemuProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-testbed-'));
    const names = ['monitor', ...Object.keys(start.channels)];
    const inboxes = await Promise.all(names.map((name) => SocketInbox.listen(join(folder, name))));
    const qemu = new QemuProcess(start, folder, inboxes, names);
    try {
      await qemu.#connect();
    } catch (error) {
      await qemu.stop();
      throw error;
    }
    return qemu;
  }

  private constructor(start: QemuStart, folder: string, inboxes: readonly SocketInbox[], names: readonly string[]) {
    this.#start = start;
    this.#folder = folder;
    this.#inboxes = inboxes;
    const devices = inboxes.flatMap(({ path }, i) => ['-chardev', `socket,id=${names[i] ?? ''},path=${path},server=off`]);
    this.#command = start.commandLine([...devices, '-qmp', 'chardev:monitor', '-pidfile', join(folder, 'pid')]);
    inboxes.slice(1).forEach((inbox, i) => void inbox.connection.then((socket) => start.channels[names[i + 1] ?? '']?.(socket)));
    this.#group = new ProcessGroup(this.#command);
    process.once('exit', this.#atExit);
    for (const stream of [this.#group.child.stdout, this.#group.child.stderr]) stream?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#ended = this.#watch();
  }

  get qmp(): QmpClient {
    if (this.#qmp === undefined) throw this.failure('dead', 'QEMU has no monitor yet');
    return this.#qmp;
  }

  /** QEMU's own process, whatever started it. */
  get pid(): number {
    if (this.#pid === undefined) throw this.failure('dead', 'QEMU does not run yet');
    return this.#pid;
  }

  /** What QEMU, and what started it, wrote to both streams. */
  get stderr(): string {
    return this.#stderr;
  }

  /** How the command ended; undefined while it runs. */
  get exited(): ChildExit | undefined {
    return this.#exited;
  }

  /** Waits for something, but not longer than QEMU lives. @param what is to come, in words for the error */
  async wait<T>(promise: Promise<T>, what: string, { timeout = DEFAULT_WAIT }: WaitOptions = {}): Promise<T> {
    const dead = this.#ended.then((): never => {
      throw this.failure('dead', `QEMU ended while waiting for ${what}`);
    });
    return await this.#limit(Promise.race([promise, dead]), what, timeout);
  }

  async execute(command: string, args?: Readonly<Record<string, unknown>>, options: WaitOptions = {}): Promise<unknown> {
    return await this.wait(this.qmp.execute(command, args), `the answer to ${command}`, options);
  }

  async waitForEvent(name: string, predicate?: (event: QmpEvent) => boolean, options: WaitOptions = {}): Promise<QmpEvent> {
    const { event, cancel } = this.qmp.event(name, predicate);
    try {
      return await this.wait(event, `the event ${name}`, options);
    } finally {
      cancel();
    }
  }

  /** Waits for the command to end, and QEMU with it. */
  waitForExit({ timeout = DEFAULT_WAIT }: WaitOptions = {}): Promise<ChildExit> {
    return this.#limit(this.#ended, 'the end of QEMU', timeout);
  }

  /** Ends QEMU at once, as a power cut would. */
  kill(): Promise<ChildExit> {
    if (this.#exited === undefined) signalIfThere(this.pid);
    return this.waitForExit();
  }

  /** Ends QEMU and whatever started it, and cleans up after them. May be called at any time and any number of times. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** An error with everything one may want to know about QEMU at this moment. */
  failure(code: TestbedErrorCode, message: string): TestbedError {
    const state = this.#exited === undefined ? 'running' : `ended with ${this.#exited.signal ?? `status ${String(this.#exited.code)}`}`;
    const parts = [message, `command (${state}): ${this.#command.join(' ')}`, `its output: ${tail(this.#stderr.trim(), 4000)}`, this.#start.context?.() ?? ''];
    return new TestbedError(code, parts.filter(Boolean).join('\n'));
  }

  async #connect(): Promise<void> {
    const [monitor] = this.#inboxes;
    if (monitor === undefined) return;
    const qmp = new QmpClient(await this.wait(monitor.connection, "QEMU's monitor"));
    this.#qmp = qmp;
    await this.wait(qmp.negotiate(), "the monitor's greeting");
    const pid = Number(readFileSync(join(this.#folder, 'pid'), 'utf8'));
    // Nothing, or what is no number, would be taken for our own process group.
    if (!(pid > 1)) throw this.failure('dead', 'QEMU does not say which process it is');
    this.#pid = pid;
  }

  /** Settles when the command has ended and all that QEMU had sent was read. */
  async #watch(): Promise<ChildExit> {
    const { child } = this.#group;
    // What a wrapper leaves running may hold its output open; QEMU itself leaves nothing.
    const end = this.#start.direct ? 'close' : 'exit';
    const exit = await new Promise<ChildExit>((resolve) => {
      child.once('error', (error) => {
        this.#stderr += error.message;
        resolve({ code: null, signal: null });
      });
      child.once(end, (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal }));
    });
    await Promise.all(this.#inboxes.map((inbox) => inbox.ended()));
    this.#exited = exit;
    if (this.#start.direct) this.#group.end();
    this.#removeFolder();
    return exit;
  }

  async #stop(): Promise<void> {
    if (this.#exited === undefined && this.#qmp !== undefined) {
      // The answer is its end; QEMU may be gone before it can say so.
      this.#qmp.send('quit');
      await settlesIn(this.#ended, STOP_TIME);
    }
    this.#group.end();
    const ended = await settlesIn(this.#ended, STOP_TIME);
    for (const inbox of this.#inboxes) inbox.close();
    this.#removeFolder();
    if (!ended) throw this.failure('timeout', 'QEMU cannot be killed');
  }

  #removeFolder(): void {
    process.off('exit', this.#atExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #limit<T>(promise: Promise<T>, what: string, timeout: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.failure('timeout', `waited ${timeout} ms for ${what}`)), timeout);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether a promise settles within a time. */
async function settlesIn(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  const settled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}
