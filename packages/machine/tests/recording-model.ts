import { DurabilityOracle } from '@vpmem/simulated-medium/testing';
import { Recording, windowName, type RecordedWindow } from '../../recording/src/index.ts';

/** What a test has seen between two moments at which something became durable. */
interface SeenWindow {
  readonly kind: 'flush' | 'cut';
  /** What the file held when it was over. */
  readonly durable: Buffer;
  /** Where, and what was stored since what became durable before, in order. */
  readonly stores: readonly Store[];
  readonly marks: readonly Mark[];
}

interface Store {
  readonly at: number;
  readonly bytes: Uint8Array;
}

interface Mark {
  readonly text: string;
  /** What memory held. */
  readonly memory: Buffer;
}

/** What a recording has to hold, by somebody who saw it all from outside: of the beginning of a disk, as much as the first `durable` has. */
export class RecordingModel {
  readonly #first: Buffer;
  readonly #seen: SeenWindow[] = [];
  #stores: Store[];
  #marks: Mark[] = [];

  /** `durable`: what the file holds as it begins; `stores`: what was stored before, and may not be in it. */
  constructor(durable: Buffer, stores: readonly Store[]) {
    this.#first = Buffer.from(durable);
    this.#stores = [...stores];
  }

  /** What may not be durable now. */
  get volatile(): readonly Store[] {
    return this.#stores;
  }

  store(at: number, bytes: Uint8Array): void {
    this.#stores.push({ at, bytes });
  }

  mark(text: string, memory: Buffer): void {
    this.#marks.push({ text, memory: Buffer.from(memory) });
  }

  /** A flush was answered, or the power was cut, and this is in the file now. */
  became(kind: SeenWindow['kind'], durable: Buffer): void {
    this.#seen.push({ kind, durable: Buffer.from(durable), stores: this.#stores.splice(0), marks: this.#marks.splice(0) });
  }

  /** Compares, and returns why pages were recorded; `image` makes a state of the recording a file, and returns its beginning. @throws Error that says what is otherwise */
  check(path: string, image: (recording: Recording, state: string) => Buffer): string[] {
    const recording = Recording.open(path);
    try {
      this.#check(recording, (state) => image(recording, state));
      return [...recording.events()].flatMap((event) => (event.type === 'pages' ? [event.cause] : []));
    } finally {
      recording.close();
    }
  }

  #check(recording: Recording, image: (state: string) => Buffer): void {
    same('problems', recording.verify().problems, []);
    same('its end', recording.ending.kind, 'end');
    const all = recording.windows.filter(({ kind }) => kind !== 'end');
    // A machine may flush more than once as it ends.
    const [windows, more] = [all.slice(0, this.#seen.length), all.slice(this.#seen.length)];
    same('what became durable', windows.map(({ kind, status }) => [kind, status]), this.#seen.map(({ kind }) => [kind, kind === 'cut' ? 'cut' : 'ok']));
    let before = this.#first;
    for (const window of more) sameBytes(windowName(window), image(`${windowName(window)}:all`), this.#seen.at(-1)?.durable ?? this.#first);
    for (const [i, window] of [...windows, ...recording.windows.slice(-1)].entries()) {
      const seen = this.#seen[i] ?? { durable: undefined, stores: this.#stores, marks: this.#marks };
      const name = windowName(window);
      sameBytes(`${name}:none`, image(`${name}:none`), before);
      checkMoments(recording, window, { before, ...seen }, image);
      if (seen.durable === undefined) break;
      sameBytes(`${name}:all`, image(`${name}:all`), seen.durable);
      before = seen.durable;
    }
  }
}

/** At each moment memory held what it can have held; at marks exactly that. */
function checkMoments(recording: Recording, window: RecordedWindow, seen: Pick<SeenWindow, 'stores' | 'marks'> & { readonly before: Buffer }, image: (state: string) => Buffer): void {
  const name = windowName(window);
  const oracle = new DurabilityOracle(seen.before);
  for (const { at, bytes } of seen.stores) oracle.store(at, bytes);
  const marks = [...seen.marks];
  let moment = 0;
  for (const event of recording.events(window.from, window.to)) {
    const state = moment === 0 ? `${name}:none` : `${name}:all@${moment}`;
    if (event.type === 'mark') {
      const mark = marks.shift();
      same(`the mark in ${name}`, event.text, mark?.text);
      if (mark !== undefined) sameBytes(`${state}, at mark '${mark.text}'`, image(state), mark.memory);
    }
    if (event.type !== 'pages') continue;
    moment++;
    if (event.cause !== 'cut') oracle.check(image(`${name}:all@${moment}`));
  }
  same(`marks of ${name} that are not there`, marks.map(({ text }) => text), []);
}

function sameBytes(what: string, found: Buffer, wanted: Buffer): void {
  const at = found.equals(wanted) ? -1 : found.findIndex((byte, i) => byte !== wanted[i]);
  if (at !== -1 || found.length !== wanted.length) throw new Error(`${what}: byte ${at} is ${found[at]}, not ${wanted[at]}`);
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (is !== should) throw new Error(`${what}: ${is} and not ${should}`);
}
