import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { redirect, setCloseOnExec } from '@vpmem/native';
import { leadsToJournal } from './log.ts';
import { watchdogOfChild } from './notify.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a process in the background gets from the one that starts it, beside words and folder. */
export interface BackgroundOptions {
  /** Descriptors, under their numbers. */
  readonly descriptors?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Where the background says that it is ready: the first descriptor above those it is to have. */
const readinessOf = (descriptors: readonly number[]): number => Math.max(2, ...descriptors) + 1;

/**
 * Runs this program once more, in a session of its own, and waits until it is ready or has ended; what it says meanwhile
 * appears here. node cannot fork, so it begins from the start, with the same words in the same folder. Where systemd has connected stderr
 * to its journal it has that itself, and keeps it.
 *
 * @returns the exit status: 0 once it is ready
 */
export async function startInBackground({ descriptors = [], environment = {} }: BackgroundOptions = {}): Promise<number> {
  const readyFd = readinessOf(descriptors);
  const kept = leadsToJournal(2) ? [...descriptors, 2] : descriptors;
  const ours = [1, 2, readyFd].filter((fd) => !kept.includes(fd));
  // systemd kills a main process at once, at a stop, that was another's child when it became that: so it is nobody's.
  const orphan = (process.env.NOTIFY_SOCKET ?? '') !== '';
  const [file = '', ...args] = [...(orphan ? ['/bin/sh', '-c', '"$@" &', 'sh'] : []), process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(file, args, {
    detached: true,
    // Pipes, so that all it said is here when it lets go of them, and no descriptor of the terminal stays with it.
    stdio: Array.from({ length: readyFd + 1 }, (_, fd) => (kept.includes(fd) ? fd : ours.includes(fd) ? 'pipe' : 'ignore')),
    env: { ...watchdogOfChild(process.env), ...environment, VPMEM_READY_FD: String(readyFd) },
  });
  const passOn = (signal: NodeJS.Signals): void => {
    try {
      // It leads a group of its own, or is alone in that of the shell.
      process.kill(-(child.pid ?? NaN), signal);
    } catch {
      // It has ended.
    }
  };
  for (const signal of SIGNALS) process.on(signal, passOn);
  const [output, complaints, readiness] = [1, 2, readyFd].map((fd) => child.stdio[fd] as Readable | null);
  let ready = false;
  readiness?.on('data', () => (ready = true));
  output?.pipe(process.stdout, { end: false });
  complaints?.pipe(process.stderr, { end: false });
  const pipes = ours.map((fd) => child.stdio[fd] as Readable);
  await Promise.all(pipes.map((pipe) => once(pipe, 'close')));
  for (const signal of SIGNALS) process.off(signal, passOn);
  if (didHappen(ready)) {
    child.unref();
    return 0;
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  // What an orphan ended with nobody hears. A signal while it was setting up: it ended in good order, but what was asked for has not come about.
  return child.exitCode === null || child.exitCode === 0 ? 1 : child.exitCode;
}

/** The compiler does not see that a listener changes a variable. */
function didHappen(flag: boolean): boolean {
  return flag;
}

/** A process that {@link startInBackground} has started. */
export class Background {
  readonly #readyFd: number;

  private constructor(readyFd: number) {
    this.#readyFd = readyFd;
  }

  /** Undefined for a process that somebody else started. */
  static ofThisProcess(): Background | undefined {
    const fd = process.env.VPMEM_READY_FD;
    // What this process starts is not to speak for it.
    delete process.env.VPMEM_READY_FD;
    if (fd === undefined) return undefined;
    // node does so only with the first ones.
    setCloseOnExec(Number(fd), true);
    return new Background(Number(fd));
  }

  /** Lets go of the terminal and of the folder, but not of systemd's journal, and says that everything is ready. */
  detach(): void {
    const nowhere = openSync('/dev/null', 'r+');
    for (const fd of leadsToJournal(2) ? [0, 1] : [0, 1, 2]) redirect(nowhere, fd);
    closeSync(nowhere);
    process.chdir('/');
    writeSync(this.#readyFd, '\n');
    closeSync(this.#readyFd);
  }
}
