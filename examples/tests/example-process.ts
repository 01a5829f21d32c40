import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';

const FOLDER = dirname(import.meta.dirname);

/** An example as a program of its own, as a user starts it. */
export class ExampleProcess {
  /** What it prints for QEMU's `-device`. */
  readonly device: string;
  readonly #child: ChildProcess;
  readonly #stderr: string[];

  private constructor(child: ChildProcess, device: string, stderr: string[]) {
    this.#child = child;
    this.device = device;
    this.#stderr = stderr;
  }

  /** `name.ts` with `args`, behind the words of `wrap`. @throws Error with what it wrote if it ends before it serves */
  static async start(name: string, args: readonly string[], wrap: readonly string[] = []): Promise<ExampleProcess> {
    const [program = '', ...words] = [...wrap, process.execPath, '--import', 'tsx', join('src', `${name}.ts`), ...args];
    const child = spawn(program, words, { cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] });
    const stderr: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => [])])) as [string?];
    const device = /^-device '(.*)'$/.exec(line ?? '')?.[1];
    if (device === undefined) throw new Error(`${name}.ts does not serve: ${line ?? ''}\n${stderr.join('')}`);
    return new ExampleProcess(child, device, stderr);
  }

  get stderr(): string {
    return this.#stderr.join('');
  }

  /** Sends a signal and waits for the end. @returns status and signal; at once if it has ended */
  async end(signal: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    return [this.#child.exitCode, this.#child.signalCode];
  }
}
