import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A vpmemd of this installation, in a process of its own. */
export class DaemonProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts vpmemd and waits until it is ready. @throws Error with what it said, if it ends instead */
  static async start(args: readonly string[]): Promise<DaemonProcess> {
    const main = fileURLToPath(new URL('./dist/main.js', import.meta.resolve('@vpmem/daemon/package.json')));
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaints = '';
    child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
    const ended = once(child, 'exit').then(() => {
      throw new Error(`vpmemd did not start: ${complaints.trim()}`);
    });
    const ready = (async () => {
      for await (const line of createInterface(child.stdout)) if (line === 'vpmemd: ready') return;
    })();
    await Promise.race([ready, ended]);
    // From here on its end is the caller's business.
    ended.catch(() => undefined);
    return new DaemonProcess(child);
  }

  /** Ends it with `signal` and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const gone = this.#child.exitCode !== null || this.#child.signalCode !== null ? undefined : once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }
}
