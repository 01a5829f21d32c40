import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { AgentChannel, type CommandResult } from './agent-channel.ts';
import { tail } from './program.ts';
import type { ChildExit, QemuProcess, WaitOptions } from './qemu-process.ts';
import type { QmpEvent } from './qmp-client.ts';

const BOOT_TIME = 240_000;
const PANIC = /Kernel panic - not syncing.*/;

/** A Linux guest in a QEMU of its own. Whoever has one calls {@link stop}, whatever happened. */
export class Guest {
  /** Handlers for the connections of the guest's two serial ports. */
  readonly channels: Readonly<Record<'console' | 'agent', (socket: Socket) => void>>;
  /** To be on the kernel's command line. */
  readonly token: string;
  readonly #agent: AgentChannel;
  readonly #watchers = new Set<() => void>();
  #agentSocket: Socket | undefined;
  #qemu: QemuProcess | undefined;
  #console = '';
  #boots = 0;
  #broken: string | undefined;

  constructor(token = randomBytes(12).toString('hex')) {
    this.token = token;
    this.#agent = new AgentChannel(this.token, (line) => this.#agentSocket?.write(line), {
      ready: () => {
        this.#boots++;
        this.#changed();
      },
      broken: (problem) => {
        this.#broken = problem;
        this.#changed();
      },
    });
    this.channels = {
      console: (socket) => {
        socket.setEncoding('utf8');
        socket.on('data', (text: string) => {
          this.#console += text.replaceAll('\r', '');
          this.#changed();
        });
      },
      agent: (socket) => {
        this.#agentSocket = socket;
        socket.on('data', (bytes: Buffer) => this.#agent.receive(bytes));
      },
    };
  }

  /** @internal The machine it lives in, as soon as that runs. */
  enter(qemu: QemuProcess): void {
    this.#qemu = qemu;
  }

  /** @internal It came up, and wrote this, in another QEMU. */
  cameUpBefore(console: string): void {
    this.#boots = 1;
    this.#console = console;
  }

  /** QEMU's process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What QEMU, or what started it, wrote. */
  get stderr(): string {
    return this.#process.stderr;
  }

  /** How QEMU ended; undefined while it runs. */
  get exited(): ChildExit | undefined {
    return this.#process.exited;
  }

  /** Everything the guest has written to its console, with plain line ends. */
  get console(): string {
    return this.#console;
  }

  /** How often the guest has come up so far. */
  get boots(): number {
    return this.#boots;
  }

  /** Runs a shell script in the guest, after those before it. Its output is that of both streams. */
  run(script: string, options: WaitOptions = {}): Promise<CommandResult> {
    return this.#process.wait(this.#agent.run(script), `the end of '${tail(script, 200)}' in the guest`, options);
  }

  /** Runs a shell script that has to succeed. @returns its output without the last line end */
  async sh(script: string, options: WaitOptions = {}): Promise<string> {
    const { status, output } = await this.run(script, options);
    if (status !== 0) throw this.#process.failure('refused', `in the guest, with status ${status}: ${script}\n${output}`);
    return output.replace(/\n$/, '');
  }

  /** Runs a command of QEMU's monitor. @throws TestbedError `refused` with QEMU's words */
  qmp(command: string, args?: Readonly<Record<string, unknown>>, options: WaitOptions = {}): Promise<unknown> {
    return this.#process.execute(command, args, options);
  }

  /** The first event of that name, early or late, that no other call was given. */
  waitForEvent(name: string, predicate?: (event: QmpEvent) => boolean, options: WaitOptions = {}): Promise<QmpEvent> {
    return this.#process.waitForEvent(name, predicate, options);
  }

  /** Waits until the console has it. @param options.since where to begin in {@link console} */
  waitForConsole(pattern: RegExp, options: WaitOptions & { since?: number } = {}): Promise<RegExpExecArray> {
    const find = (): RegExpExecArray | undefined => new RegExp(pattern, pattern.flags.replace(/[gy]/g, '')).exec(this.#console.slice(options.since ?? 0)) ?? undefined;
    return this.#until(find, `${String(pattern)} on the console`, options);
  }

  /** Waits until the guest has come up that often, counted from 1. @throws TestbedError if its kernel panics instead */
  async waitReady(boot: number, { timeout = BOOT_TIME }: WaitOptions = {}): Promise<void> {
    const since = this.#console.length;
    const ready = (): boolean | undefined => {
      if (this.#broken !== undefined) throw this.#process.failure('dead', `the guest cannot be set up: ${this.#broken}`);
      if (this.#boots >= boot) return true;
      const panic = PANIC.exec(boot === 1 ? this.#console : this.#console.slice(since));
      if (panic !== null) throw this.#process.failure('dead', panic[0]);
      return undefined;
    };
    await this.#until(ready, `boot ${boot} of the guest`, { timeout });
  }

  /** Starts the guest again, by its own wish or by the reset line, and waits until it is up. Files in its memory are lost. */
  async reboot(how: 'guest' | 'reset', options: WaitOptions = {}): Promise<void> {
    const next = this.#boots + 1;
    if (how === 'reset') {
      await this.qmp('system_reset');
      await this.waitReady(next, options);
      return;
    }
    // The command never returns: it fails when the guest is up again, or else the other one says why it is not.
    const gone = this.#agent.run('reboot -f').then(
      ({ output }): never => {
        throw this.#process.failure('refused', `the guest did not reboot: ${output}`);
      },
      () => new Promise<never>(() => undefined),
    );
    await Promise.race([this.waitReady(next, options), gone]);
  }

  /** Has the guest switch itself off, and waits for QEMU's end. */
  async powerOff(options: WaitOptions = {}): Promise<ChildExit> {
    this.#agent.run('poweroff -f').catch(() => undefined);
    return await this.#process.waitForExit(options);
  }

  /** Ends QEMU at once with SIGKILL, as a power cut of the host would. */
  kill(): Promise<ChildExit> {
    return this.#process.kill();
  }

  waitForExit(options: WaitOptions = {}): Promise<ChildExit> {
    return this.#process.waitForExit(options);
  }

  /** Ends QEMU and cleans up. May be called at any time and any number of times; the guest is not asked. */
  async stop(): Promise<void> {
    await this.#qemu?.stop();
  }

  /** What an error should show of the guest. */
  describe(): string {
    const running = this.#agent.partialOutput;
    const parts = [running === '' ? '' : `output of the command that runs in the guest: ${tail(running, 2000)}`];
    return [...parts, `the guest's console: ${tail(this.#console.trim(), 4000)}`].filter(Boolean).join('\n');
  }

  get #process(): QemuProcess {
    if (this.#qemu === undefined) throw new Error('the guest does not run yet');
    return this.#qemu;
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Waits until a look at the guest yields something; one look now, one at every change. */
  async #until<T>(look: () => T | undefined, what: string, options: WaitOptions): Promise<T> {
    let watcher: () => void = () => undefined;
    const found = new Promise<T>((resolve, reject) => {
      watcher = () => {
        try {
          const result = look();
          if (result !== undefined) resolve(result);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
    try {
      return await this.#process.wait(found, what, options);
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}
