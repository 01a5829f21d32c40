import { spawn } from 'node:child_process';
import { QemuError } from './qemu-error.ts';

/** Signals that are meant for the VM when they reach us. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What QEMU gets from this process, and who is told of it. */
export interface RunOptions {
  /** Whether its standard input is this process's, as is the default, or nothing. */
  readonly stdin?: 'inherit' | 'ignore';
  /** Called with its process id as soon as it has one. */
  readonly started?: (pid: number) => void;
}

/**
 * Keeps the signals that are meant for the VM from ending this process before there is one. The function it returns gives
 * them free again and says which has come, if any.
 *
 * @param heard called when the first one comes
 */
export function holdSignals(heard?: () => void): () => NodeJS.Signals | undefined {
  let held: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    if (held !== undefined) return;
    held = signal;
    heard?.();
  };
  for (const signal of PASSED_ON) process.on(signal, hold);
  return () => {
    for (const signal of PASSED_ON) process.off(signal, hold);
    return held;
  };
}

/** Runs QEMU on this terminal, signals passed on, and settles when it has ended. @throws QemuError if it cannot be started */
export function runQemu(path: string, args: readonly string[], { stdin = 'inherit', started }: RunOptions = {}): Promise<ChildExit> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: [stdin, 'inherit', 'inherit'] });
    if (child.pid !== undefined) started?.(child.pid);
    const passOn = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    const stop = (): void => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
    };
    for (const signal of PASSED_ON) process.on(signal, passOn);
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
