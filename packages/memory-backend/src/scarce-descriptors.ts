import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';

/** Room above the highest that is open, so that using up all takes no time. */
const ROOM = 100;

/** Lowers how many descriptors this process may have, and uses them up, for tests of what happens then. */
export class ScarceDescriptors {
  readonly #before = prlimit('--nofile', '--output=SOFT', '--noheadings');
  /** Descriptors that are open so that no others can be. */
  readonly #taken: number[] = [];

  constructor() {
    const highest = Math.max(...readdirSync('/proc/self/fd').map((name) => Number(name)));
    prlimit(`--nofile=${highest + ROOM}:`);
  }

  /** Takes all that are left; returns how many are taken now. */
  exhaust(): number {
    try {
      for (;;) this.#taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
      return this.#taken.length;
    }
  }

  /** Gives `count` of those that were taken back, or all. */
  release(count = this.#taken.length): void {
    for (const fd of this.#taken.splice(0, count)) closeSync(fd);
  }

  /** Gives all back, and restores the limit. */
  end(): void {
    this.release();
    prlimit(`--nofile=${this.#before}:`);
  }
}

function prlimit(...options: string[]): string {
  const { status, stdout, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), ...options], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`prlimit ${options.join(' ')}: ${stderr}`);
  return stdout.trim();
}
