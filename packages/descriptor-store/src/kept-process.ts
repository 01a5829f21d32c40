import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processEnd } from '@vpmem/native';

/** How to start a process. */
export interface KeptCommand {
  /** A path, and the arguments after it. */
  readonly file: string;
  readonly args: readonly string[];
  readonly folder: string;
}

/** How a process ended; neither is known of one that somebody else started. */
export interface ProcessEnd {
  readonly status?: number;
  readonly signal?: NodeJS.Signals;
  /** It could not be started. */
  readonly reason?: string;
}

/** The process that a keeper keeps. */
export interface KeptProcess {
  /** Undefined for one that could not be started. */
  readonly pid: number | undefined;
  readonly ended: Promise<ProcessEnd>;
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a process in a session of its own, with this one's descriptors 0, 1 and 2, and `fds` from 3 on. What a terminal sends to all who
 * are in front of it so reaches it once, by way of its keeper.
 */
export function startKept({ file, args, folder }: KeptCommand, environment: NodeJS.ProcessEnv, fds: readonly number[]): KeptProcess {
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd: folder, env: environment, detached: true, stdio: ['inherit', 'inherit', 'inherit', ...fds] });
  } catch (error) {
    // Some reasons node throws, E2BIG among them, and others it tells of.
    return { pid: undefined, ended: Promise.resolve({ reason: (error as Error).message }), kill: () => undefined };
  }
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.on('error', (error) => resolve({ reason: error.message }));
    child.once('exit', (status, signal) => resolve({ ...(status !== null && { status }), ...(signal !== null && { signal }) }));
  });
  return { pid: child.pid, ended, kill: (signal) => void child.kill(signal) };
}

/** One that somebody else has started. */
export function adoptKept(pid: number): KeptProcess {
  let over = false;
  const ended = processEnd(pid).then(() => {
    over = true;
    return {};
  });
  return {
    pid,
    ended,
    kill: (signal) => {
      try {
        if (!over) process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
}

/** The real user of a process; undefined once it is gone. */
export function userOf(pid: number): number | undefined {
  try {
    const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(uid);
  } catch {
    return undefined;
  }
}
