/** An event's source, which remembers how long the wait after it was. */
export interface EventSource {
  /** For how long looking for what follows can pay, in milliseconds; 0: never, not even a look. */
  readonly pollMax: number;
  /** Whether the wait after the last of its events was shorter than that. */
  short: boolean;
}

/** What an {@link EventLoop} looks at in each turn, instead of being told of it. */
export interface Polled {
  /** For how long looking for what follows can pay, in milliseconds; 0: never, not even a look. It may change. */
  readonly pollMax: number;
  /** From now on it is looked at: whoever would tell of it need not. Called again whenever something is expected. */
  begin(): void;
  /** Serves what is there, if something is; says whether. */
  look(): boolean;
  /**
   * From now on it is told of. `found`: something had come before whoever tells knew, and has been served. `later`: that cannot
   * be asked for now, and will be tried again before every sleep.
   */
  rest(): 'rested' | 'found' | 'later';
}

class Entry implements EventSource {
  readonly polled: Polled;
  short = false;
  /** Whether it is looked at. */
  active = false;
  /** When something was last expected of it, by `performance.now()`. */
  since = 0;
  /** How often something was expected of it. */
  begun = 0;

  constructor(polled: Polled) {
    this.polled = polled;
  }

  get pollMax(): number {
    return this.polled.pollMax;
  }
}

/** Those that a loop looks at: each as long as something keeps coming, and none while the loop sleeps. */
export class PollList {
  /** Known for as long as anybody has it: it remembers how long waits were. */
  readonly #entries = new WeakMap<Polled, Entry>();
  #active: Entry[] = [];

  /** Looks at `polled` from now on; undefined if that never pays. */
  add(polled: Polled, now: number): EventSource | undefined {
    if (polled.pollMax <= 0) return undefined;
    let entry = this.#entries.get(polled);
    if (entry === undefined) this.#entries.set(polled, (entry = new Entry(polled)));
    entry.since = now;
    if (!entry.active) this.#active.push(entry);
    entry.active = true;
    entry.begun++;
    polled.begin();
    return entry;
  }

  /** Looks at each once; whose something was there, the last of them. One of which nothing came for long is looked at no more. */
  look(now: number): EventSource | undefined {
    let found: EventSource | undefined;
    for (let i = 0; ; ) {
      const entry = this.#active[i];
      if (entry === undefined) return found;
      if (entry.polled.look()) {
        entry.since = now;
        found = entry;
      } else if (now - entry.since >= entry.pollMax && this.#rest(entry)) {
        found = entry;
      }
      // One that is looked at no more leaves its place to the next.
      if (this.#active[i] === entry) i++;
    }
  }

  /** Nobody will look for a while: all are told of again. Whose something was there, the last of them. */
  rest(): EventSource | undefined {
    let found: EventSource | undefined;
    for (const entry of [...this.#active]) if (this.#rest(entry)) found = entry;
    return found;
  }

  /** Whether something was there. */
  #rest(entry: Entry): boolean {
    const { begun } = entry;
    const outcome = entry.polled.rest();
    // What it served made somebody expect more, so again nobody tells of it: it stays, and nobody sleeps on that.
    if (entry.begun !== begun) return true;
    if (outcome === 'later') return false;
    entry.active = false;
    this.#active.splice(this.#active.indexOf(entry), 1);
    return outcome === 'found';
  }
}
