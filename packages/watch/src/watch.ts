import { watch as watchFolder, type FSWatcher } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isCalled, programFolders, runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import { systemClock, type Clock } from './clock.ts';
import { Follower } from './follower.ts';
import type { Round, WatchedEvent } from './round.ts';

/** Whom to follow, and how often to look. */
export interface WatchOptions {
  /** Only programs of these names or process ids, whether they run yet or not. Default: all. */
  readonly names?: readonly string[] | undefined;
  /** Milliseconds from one round to the next; 1000 if not given. */
  readonly interval?: number;
  /** How long an answer is waited for, in milliseconds; 1000 if not given. One that is late is not waited for again until it has come. */
  readonly patience?: number;
  /** How long a program that has ended is still shown, in milliseconds; 30,000 if not given. */
  readonly linger?: number;
  /** Where entries of programs are. Default: wherever programs of this user and of the system have them. */
  readonly folders?: readonly string[];
  readonly clock?: Clock;
}

/** Hears of an event as it comes. */
export type EventListener = (event: WatchedEvent, from: RunningProgram) => void;

/**
 * Follows all programs of vpmem that run, by their private QMP sockets: their devices, what these do between two rounds, and their events.
 * Programs may come, go and hang. Iterate over it for a round at each interval, or call {@link round}.
 */
export class Watch {
  readonly #names: readonly string[] | undefined;
  readonly #interval: number;
  readonly #patience: number;
  readonly #linger: number;
  readonly #folders: () => readonly string[];
  readonly #clock: Clock;
  readonly #start: number;
  readonly #followers = new Map<string, Follower>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #listeners = new Set<EventListener>();
  readonly #closing = new AbortController();

  constructor({ names, interval = 1000, patience = 1000, linger = 30_000, folders, clock = systemClock }: WatchOptions = {}) {
    this.#names = names;
    this.#interval = interval;
    this.#patience = patience;
    this.#linger = linger;
    this.#folders = folders === undefined ? programFolders : () => folders;
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Calls `listener` for every event from now on; returns how to stop that. */
  onEvent(listener: EventListener): () => void {
    const own: EventListener = (event, from) => listener(event, from);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Asks all that run, and tells how they are. Takes as long as the slowest answer, {@link WatchOptions.patience} at most. */
  async round(): Promise<Round> {
    this.#look();
    const asked = [...this.#followers.values()].map((follower) => ({ waitFor: !follower.late, answer: follower.ask() }));
    await Promise.all(asked.filter(({ waitFor }) => waitFor).map(({ answer }) => answer));
    // Who has ended meanwhile is not one who does not answer.
    this.#look();
    const now = this.#clock.monotonic();
    for (const [key, { goneSince }] of this.#followers) if (goneSince !== undefined && now - goneSince > this.#linger) this.#followers.delete(key);
    const order = [...this.#followers.values()].sort((one, other) => compare(one.program, other.program));
    return { time: this.#clock.time(), elapsed: (now - this.#start) / 1000, daemons: order.map((follower) => follower.view()) };
  }

  /** A round at once, and one at each interval; ends with {@link close}, or when it is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Round, void, undefined> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        const began = this.#clock.monotonic();
        const round = await this.round();
        if (signal.aborted) return;
        yield round;
        await delay(Math.max(0, this.#interval - (this.#clock.monotonic() - began)), undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.close();
    }
  }

  /** Ends all connections; an iteration that runs ends. */
  close(): void {
    this.#closing.abort();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    for (const follower of this.#followers.values()) follower.close();
    this.#followers.clear();
  }

  /** Who has come, and who has gone? */
  #look(): void {
    if (this.#closing.signal.aborted) return;
    const folders = this.#folders();
    this.#watchFolders(folders);
    const programs = new Map(runningPrograms(folders).filter((program) => this.#isWanted(program)).map((program) => [keyOf(program), program]));
    for (const [key, follower] of this.#followers) if (!programs.has(key)) follower.end();
    for (const [key, program] of programs) {
      const known = this.#followers.get(key);
      if (known !== undefined && known.goneSince === undefined) continue;
      this.#followers.set(key, new Follower(program, { clock: this.#clock, patience: this.#patience, onEvent: (event, from) => this.#tell(event, from) }));
    }
  }

  #isWanted(program: RunningProgram): boolean {
    return this.#names === undefined || this.#names.length === 0 || this.#names.some((name) => isCalled(program, name));
  }

  /** Between rounds too: events of a program that has just come are not to be missed. */
  #watchFolders(folders: readonly string[]): void {
    for (const folder of this.#watchers.keys()) if (!folders.includes(folder)) this.#unwatch(folder);
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watchFolder(folder, { persistent: false }, (_, file) => {
          if (file?.endsWith('.json') === true) this.#greetNew();
        });
        // Rounds look all the same.
        watcher.on('error', () => watcher.close());
        this.#watchers.set(folder, watcher);
      } catch {
        // It is not there yet, may not be read, or there are too many watches.
      }
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #greetNew(): void {
    const known = new Set(this.#followers.values());
    try {
      this.#look();
    } catch {
      // The next round meets it too, and its caller hears of it.
    }
    for (const follower of this.#followers.values()) if (!known.has(follower)) follower.greet();
  }

  #tell(event: WatchedEvent, from: RunningProgram): void {
    for (const listener of [...this.#listeners]) listener(event, from);
  }
}

function keyOf({ pid, qmp, started }: RunningProgram): string {
  return `${pid} ${started} ${qmp}`;
}

function compare(one: RunningProgram, other: RunningProgram): number {
  return one.started === other.started ? one.pid - other.pid : one.started < other.started ? -1 : 1;
}
