import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** One system call that is to fail once, in whichever thread. */
export interface Fault {
  readonly call: string;
  readonly error: string;
  /** Which of its calls, 1 being the first. */
  readonly when: number;
  /** Only calls on the file that /proc calls so. */
  readonly path?: string;
}

/** A process under strace, from now until {@link detach}. */
export class Tracer {
  readonly #strace: ChildProcess;
  readonly #log: string;
  readonly #ended: Promise<unknown>;

  private constructor(strace: ChildProcess, log: string) {
    this.#strace = strace;
    this.#log = log;
    this.#ended = once(strace, 'exit');
  }

  /**
   * Attaches to every thread of `pid`; with a fault the call fails, without `error` it is only written down. With `delay` its thread hears
   * so many seconds later of what it came to.
   */
  static async attach(strace: readonly string[], pid: number, log: string, fault: Omit<Fault, 'error' | 'when'> & Partial<Fault> & { readonly delay?: number }): Promise<Tracer> {
    const { call, error, when, path, delay } = fault;
    const [command = '', ...rest] = strace;
    const what = delay !== undefined ? `inject=${call}:delay_exit=${delay * 1e6}` : error === undefined ? `trace=${call}` : `inject=${call}:error=${error}:when=${when}`;
    const words = [...rest, '-f', '-o', log, '-e', what, ...(path === undefined ? [] : ['-P', path]), '-p', String(pid)];
    rmSync(log, { force: true });
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const tracer = new Tracer(child, log);
    const threads = readdirSync(`/proc/${pid}/task`).length;
    let attached = 0;
    const said: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      said.push(line);
      if (line.includes('attached')) attached += Number(/with (\d+) threads/.exec(line)?.[1] ?? 1);
      if (attached >= threads) return tracer;
    }
    throw new Error(`strace did not attach: ${said.join('; ')}`);
  }

  /** How many calls have failed because of this so far. */
  get injected(): number {
    return this.#lines.filter((line) => line.includes('(INJECTED)')).length;
  }

  /** What it has written down. */
  get text(): string {
    return this.#lines.join('\n');
  }

  get #lines(): readonly string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n') : [];
  }

  /** Ends at once: a thread that it holds back is not seen to be dead before. */
  async kill(): Promise<void> {
    this.#strace.kill('SIGKILL');
    await this.#ended;
  }

  /** Lets go of the process; how many calls there were, and how many of them failed because of this. */
  async detach(): Promise<{ calls: number; injected: number }> {
    this.#strace.kill('SIGINT');
    await this.#ended;
    return { calls: this.#lines.filter((line) => /^\d+ +\w+\(/.test(line)).length, injected: this.injected };
  }
}
