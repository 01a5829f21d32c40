import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/** A program with all that it starts, which cannot outlive us: a watchdog ends them when we are gone, however we went. */
export class ProcessGroup {
  readonly child: ChildProcess;
  readonly #watchdog: ChildProcess | undefined;
  #ended = false;

  constructor(command: readonly string[]) {
    const [path = '', ...args] = command;
    this.child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const { pid } = this.child;
    if (pid === undefined) return;
    // It reads from a pipe nobody writes to; that ends with the last of us, be it by SIGKILL.
    const watchdog = spawn('sh', ['-c', 'read -r line; kill -s KILL -- "-$0"', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    watchdog.unref();
    if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
    this.#watchdog = watchdog;
  }

  /** Kills what is left of the group, and lets the watchdog go. */
  end(): void {
    // Once only: later the number may be that of another group.
    if (this.#ended) return;
    this.#ended = true;
    const { pid } = this.child;
    if (pid !== undefined) signalIfThere(-pid);
    this.#watchdog?.kill('SIGKILL');
  }
}

/** SIGKILL to a process, or to a group by its negative number, if there still is one. */
export function signalIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
