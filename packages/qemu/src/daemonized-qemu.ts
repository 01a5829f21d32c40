import { readFileSync } from 'node:fs';
import { processEnd } from '@vpmem/native';
import { QemuError } from './qemu-error.ts';
import { runQemu, type ChildExit, type RunOptions } from './run-qemu.ts';
import { passSignalsOn } from './vm-signals.ts';

/** What is needed to know a QEMU that goes into the background. */
export interface DaemonOptions extends RunOptions {
  /** The file that its command line has it write its process id into. */
  readonly pidFile: string;
  /** Called when QEMU is in the background and the VM is ready, after `started`. */
  readonly ready: () => void;
}

/**
 * Runs a QEMU that its command line sends into the background, and settles when it has ended there; if it did not get so far,
 * with the status that it refused with.
 *
 * @throws QemuError if it cannot be started, or does not say which process it is
 */
export async function runDaemonizedQemu(path: string, args: readonly string[], options: DaemonOptions): Promise<ChildExit> {
  const { pidFile, started, ready, ...run } = options;
  const front = await runQemu(path, args, run);
  if (front.code !== 0) return front;
  const pid = readPid(pidFile);
  started?.(pid);
  const stop = passSignalsOn((signal) => sendIfThere(pid, signal));
  try {
    ready();
    await processEnd(pid);
  } finally {
    stop();
  }
  // Nobody but its parent hears how a process ended.
  return front;
}

function readPid(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new QemuError('bad-option', `-pidfile ${file}: QEMU is in the background, but cannot be found: ${(error as Error).message}`, { cause: error });
  }
  const pid = Number(text);
  // Nothing, or what is no number, would be taken for our own process group.
  if (!(pid > 1)) throw new QemuError('bad-option', `-pidfile ${file}: QEMU is in the background, but the file has no process id`);
  return pid;
}

function sendIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
