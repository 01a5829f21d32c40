import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setCloseOnExec } from '@vpmem/native';
import { QemuError } from './qemu-error.ts';
import { passSignalsOn } from './vm-signals.ts';

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What QEMU gets from this process, and who is told of it. */
export interface RunOptions {
  /** Whether its standard input is this process's, as is the default, or nothing. */
  readonly stdin?: 'inherit' | 'ignore';
  /** Descriptors of this process that QEMU gets under their numbers. Once it has them they are closed here. */
  readonly descriptors?: readonly number[];
  /** Called with its process id as soon as it has one. */
  readonly started?: (pid: number) => void;
}

/** Runs QEMU on this terminal, signals passed on, and settles when it has ended. @throws QemuError if it cannot be started */
export function runQemu(path: string, args: readonly string[], options: RunOptions = {}): Promise<ChildExit> {
  return new Promise((resolve, reject) => {
    const child = start(path, args, options);
    if (child.pid !== undefined) options.started?.(child.pid);
    const stop = passSignalsOn((signal) => void child.kill(signal));
    child.once('error', (error) => {
      stop();
      reject(new QemuError('not-found', `cannot start '${path}': ${error.message}; name QEMU with --qemu`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      stop();
      resolve({ code, signal });
    });
  });
}

function start(path: string, args: readonly string[], { stdin = 'inherit', descriptors = [] }: RunOptions): ChildProcess {
  // Between these lines nothing else can start: what is open here is open in QEMU, and in nobody else.
  for (const fd of descriptors) setCloseOnExec(fd, false);
  const child = spawn(path, args, { stdio: [stdin, 'inherit', 'inherit'] });
  // QEMU alone has them from now on: whoever is at the other end learns when QEMU lets go.
  for (const fd of descriptors) closeSync(fd);
  return child;
}
