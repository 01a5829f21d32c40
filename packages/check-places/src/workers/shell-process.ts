import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { openPipe, spawnProcess, type SpawnedEnd, type SpawnedProcess } from '@vpmem/native';
import { kill, killStrays } from './stray-processes.ts';

/** Milliseconds for which the end of a program's output is waited for once it has ended itself. */
const LAST_WORDS = 200;

export interface ShellOptions {
  /** What `$1` is; none for a script that has none. */
  readonly argument?: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The folder that its environment tells of, by which is found what has left its group. */
  readonly folder: string;
  /** Whether it is written to: otherwise its input is at its end. */
  readonly writable?: boolean;
  /** Gets what it writes, as it comes. */
  readonly hear: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
}

/** How it ended, or why it could not begin. */
export type ShellEnd = SpawnedEnd & { readonly problem?: string };

/**
 * sh(1) with a text, in a process group of its own, of which nothing is left when it has ended. Its streams are pipes, and no sockets as
 * node would have them: a script can open /dev/stderr.
 */
export class ShellProcess {
  /** Settles when it has ended, all that it wrote was heard, and nothing is left of it. */
  readonly end: Promise<ShellEnd>;
  readonly #stdin: Socket | undefined;
  #spawned: SpawnedProcess | undefined;

  constructor(script: string, { argument, environment, folder, writable = false, hear }: ShellOptions) {
    const [stdout, stderr] = [openPipe(), openPipe()];
    const stdin = writable ? openPipe() : undefined;
    const heard = ([[stdout, 'stdout'], [stderr, 'stderr']] as const).map(([[fd], stream]) => {
      const socket = new Socket({ fd, readable: true, writable: false });
      socket.on('data', (chunk) => hear(stream, chunk));
      return { socket, closed: once(socket, 'close') };
    });
    if (stdin !== undefined) {
      this.#stdin = new Socket({ fd: stdin[1], readable: false, writable: true });
      // EPIPE: it has ended, which is heard anyway.
      this.#stdin.on('error', () => this.#stdin?.destroy());
    }
    const args = ['sh', '-c', script, 'sh', ...(argument === undefined ? [] : [argument])];
    let ended: Promise<ShellEnd>;
    try {
      this.#spawned = spawnProcess({ file: '/bin/sh', args, environment, stdio: [stdin?.[0], stdout[1], stderr[1]] });
      ended = this.#spawned.end;
    } catch (error) {
      ended = Promise.resolve({ status: undefined, signal: undefined, problem: (error as Error).message });
    } finally {
      for (const fd of [stdout[1], stderr[1], stdin?.[0]]) if (fd !== undefined) closeSync(fd);
    }
    this.end = ended.then(async (end) => {
      this.kill();
      this.#stdin?.destroy();
      const all = Promise.all(heard.map(({ closed }) => closed));
      if (!(await inTime(all))) await killStrays(folder);
      if (!(await inTime(all))) for (const { socket } of heard) socket.destroy();
      return end;
    });
  }

  /** Ends it and its group now. */
  kill(): void {
    if (this.#spawned !== undefined) kill(-this.#spawned.pid);
  }

  write(text: string): void {
    this.#stdin?.write(text);
  }
}

/** Whether something settles before the last words are over. */
async function inTime(what: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), LAST_WORDS)));
  try {
    return await Promise.race([what.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
