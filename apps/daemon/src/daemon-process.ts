import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program of this installation, for node to run. */
export const VPMEMD = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** How vpmemd ended: one of the two is not null. */
export interface DaemonExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where and how a {@link DaemonProcess} runs. */
export interface DaemonProcessOptions {
  /** Words before the command line of node, for example a tracer's. Default none. */
  readonly wrap?: readonly string[];
  /** Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** A vpmemd of this installation, in a process of its own, which ends with the thread that started it. */
export class DaemonProcess {
  /** What it printed for each device: the value of QEMU's -device option. */
  readonly devices: readonly string[];
  /** Settles when it is gone. */
  readonly exited: Promise<DaemonExit>;
  readonly #child: ChildProcess;
  readonly #complaints: string[];

  private constructor(child: ChildProcess, exited: Promise<DaemonExit>, devices: readonly string[], complaints: string[]) {
    this.#child = child;
    this.#complaints = complaints;
    this.devices = devices;
    this.exited = exited;
  }

  /** Of what was started: with `wrap`, the wrapper's. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it said on stderr so far. */
  get stderr(): string {
    return this.#complaints.join('');
  }

  /** Starts vpmemd and waits until it is ready. @throws Error with what it said, if it ends instead, or cannot be started */
  static async start(args: readonly string[], options: DaemonProcessOptions = {}): Promise<DaemonProcess> {
    const own = [process.execPath, VPMEMD, ...args, '-run-with', 'exit-with-parent=on'];
    const [command = '', ...rest] = options.wrap === undefined ? own : [...options.wrap, ...own];
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: options.env, cwd: options.cwd });
    const complaints: string[] = [];
    // From the beginning: it may end at any time.
    const exited = exit(child);
    exited.catch(() => undefined);
    child.stderr.on('data', (data: Buffer) => complaints.push(data.toString()));
    // Rejects if there is no such program to wrap it in.
    await once(child, 'spawn');
    const devices: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      if (line === 'vpmemd: ready') return new DaemonProcess(child, exited, devices, complaints);
      const [, device] = /^-device '(.*)'$/.exec(line) ?? [];
      if (device !== undefined) devices.push(device);
    }
    const { status, signal } = await exited;
    throw new Error(`vpmemd ended with ${signal ?? `status ${String(status)}`} instead of becoming ready: ${complaints.join('').trim()}`);
  }

  /** Sends `signal` and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<DaemonExit> {
    this.#child.kill(signal);
    return this.exited;
  }
}

/** Settles when `child` is gone and everything it said has been read. */
async function exit(child: ChildProcess): Promise<DaemonExit> {
  await once(child, 'close');
  return { status: child.exitCode, signal: child.signalCode };
}
