import { GuestMemory, type MemoryWindow } from '@vpmem/guest-memory';
import type { MemoryView } from '@vpmem/layout';

/** What the programs share: memory, and flags that they raise for each other. */
export interface World {
  readonly bytes: DataView;
  /** How often each flag was raised and not taken down. */
  readonly flags: number[];
}

/** A program of plain code, which only touches {@link World} through what it is given, and does the same whenever it sees the same. */
export type Program = (actor: Actor) => void;

/** Thrown to leave a program before a step that it may not take yet: one for all, as making an error takes longer than most steps. */
const PARKED = new Error('not yet');

interface Step {
  /** Whether it can be taken. */
  readonly ready: (world: World) => boolean;
  /** Ways in which it can be taken. */
  readonly ways: number;
}

/** A program as far as it has come: all that it saw and did, and the step it would take next; without one it is over. */
interface Progress {
  readonly seen: readonly unknown[];
  /** Of {@link seen}: another for each other. */
  readonly number: number;
  readonly next: Step | undefined;
}

/**
 * Runs a program to its next step and no further. Code cannot be left in the middle and continued, but begun anew and shown what it saw
 * before: then it comes to the same place. What it wrote before is not written again.
 */
export class Actor {
  /** All of the memory, from address 0. An access of 16 bits that is atomic is a step, and so is a plain one that `racing` names. */
  readonly memory = new GuestMemory();
  readonly #program: Program;
  readonly #racing: (address: number) => boolean;
  /** Of each {@link Progress}: what it came from, and what was seen since. */
  readonly #numbers = new Map<string, number>();
  #world: World;
  #seen: unknown[] = [];
  #at = 0;
  /** The way in which the next step is taken; undefined if none may be taken. */
  #way: number | undefined;
  #next: Step | undefined;
  #private = false;

  /** For `program`; each `world` has as many bytes as this one. */
  constructor(program: Program, world: World, racing: (address: number) => boolean) {
    this.#program = program;
    this.#world = world;
    this.#racing = racing;
    const window = this.#window(world.bytes.byteLength);
    this.memory.add({ start: 0, size: window.end, writable: true, backing: { window: () => window, release: () => undefined } });
  }

  /** Begins the program, up to before its first step. `world` changes. */
  begin(world: World): Progress {
    return this.advance(world, { seen: [], number: 0, next: undefined }, undefined);
  }

  /** Takes one more step, in the `way`. `world` changes. */
  advance(world: World, { seen, number }: Progress, way: number | undefined): Progress {
    [this.#world, this.#seen, this.#at, this.#way, this.#next, this.#private] = [world, seen.slice(), 0, way, undefined, false];
    try {
      this.#program(this);
    } catch (error) {
      if (error !== PARKED) throw error;
    }
    const taken = this.#seen;
    let key = String(number);
    for (let i = seen.length; i < taken.length; i++) key += `,${String(taken[i])}`;
    const known = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, known);
    return { seen: taken, number: known, next: this.#next };
  }

  /** What is done in `work` is no step, whatever it is: nobody else is there yet. */
  alone<T>(work: () => T): T {
    this.#private = true;
    const value = work();
    this.#private = false;
    return value;
  }

  /** One of `count` numbers from 0 on: all are tried. */
  choose(count: number): number {
    return this.#do(true, () => this.#way ?? 0, { ready: () => true, ways: count });
  }

  raise(flag: number): void {
    this.#do(true, ({ flags }) => void (flags[flag] = (flags[flag] ?? 0) + 1));
  }

  /** Takes a flag down; whether it was raised. */
  take(flag: number): boolean {
    return this.#do(true, ({ flags }) => {
      const raised = (flags[flag] ?? 0) > 0;
      flags[flag] = 0;
      return raised;
    });
  }

  /** Does nothing until `ready`. */
  waitFor(ready: (world: World) => boolean): void {
    this.#do(true, () => undefined, { ready, ways: 1 });
  }

  #do<T>(isStep: boolean, act: (world: World) => T, step: Step = { ready: () => true, ways: 1 }): T {
    if (this.#at < this.#seen.length) return this.#seen[this.#at++] as T;
    if (isStep && !this.#private) {
      if (this.#way === undefined) {
        this.#next = step;
        throw PARKED;
      }
    }
    const value = act(this.#world);
    if (isStep && !this.#private) this.#way = undefined;
    this.#seen.push(value);
    this.#at++;
    return value;
  }

  #window(size: number): MemoryWindow {
    const bytes = (): DataView => this.#world.bytes;
    const plain = <T>(act: () => T): T => this.#do(false, act);
    const maybe = <T>(at: number, act: () => T): T => this.#do(this.#racing(at), act);
    const step = <T>(act: () => T): T => this.#do(true, act);
    const view: MemoryView = {
      byteLength: size,
      getUint8: (at) => plain(() => bytes().getUint8(at)),
      getUint16: (at, little) => maybe(at, () => bytes().getUint16(at, little)),
      getUint32: (at, little) => plain(() => bytes().getUint32(at, little)),
      getBigUint64: (at, little) => plain(() => bytes().getBigUint64(at, little)),
      setUint8: (at, value) => plain(() => bytes().setUint8(at, value)),
      setUint16: (at, value, little) => maybe(at, () => bytes().setUint16(at, value, little)),
      setUint32: (at, value, little) => plain(() => bytes().setUint32(at, value, little)),
      setBigUint64: (at, value, little) => plain(() => bytes().setBigUint64(at, value, little)),
    };
    return {
      start: 0,
      end: size,
      view,
      load16: (at) => step(() => bytes().getUint16(at, true)),
      store16: (at, value) => step(() => bytes().setUint16(at, value, true)),
      copyOut: (at, target) => target.set(plain(() => new Uint8Array(bytes().buffer.slice(at, at + target.length)))),
      copyIn: (at, source) => plain(() => new Uint8Array(bytes().buffer).set(source, at)),
    };
  }
}

/** What {@link everyInterleaving} tries. */
export interface Interleaving {
  /** Bytes of memory, zero at first. */
  readonly ram: number;
  /** Each runs to before its first step, one after the other. */
  readonly programs: readonly Program[];
  /** Whether a plain access of 16 bits at this address is a step too. */
  readonly racing: (address: number) => boolean;
  /** Called wherever nobody can go on; `over` says which programs have ended. */
  readonly atEnd: (world: World, over: readonly boolean[]) => void;
}

/** Tries every order in which the steps of the programs can be taken; states that two orders lead to are gone on from once. Returns how many states there are. */
export function everyInterleaving({ ram, programs, racing, atEnd }: Interleaving): number {
  const visited = new Set<string>();
  const first: World = { bytes: new DataView(new ArrayBuffer(ram)), flags: [] };
  const actors = programs.map((program) => new Actor(program, first, racing));
  const begun = actors.map((actor) => actor.begin(first));
  const waiting: { world: World; progress: readonly Progress[] }[] = [{ world: first, progress: begun }];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    const { world, progress } = state;
    let moved = false;
    for (const [index, before] of progress.entries()) {
      const actor = actors[index];
      if (actor === undefined || before.next?.ready(world) !== true) continue;
      moved = true;
      for (let way = 0; way < before.next.ways; way++) {
        const changed: World = { bytes: new DataView(world.bytes.buffer.slice(0) as ArrayBuffer), flags: [...world.flags] };
        const after = actor.advance(changed, before, way);
        const all = progress.map((each, i) => (i === index ? after : each));
        const key = `${Buffer.from(changed.bytes.buffer).toString('latin1')}|${changed.flags.join()}|${all.map((each) => each.number).join()}`;
        if (visited.has(key)) continue;
        visited.add(key);
        waiting.push({ world: changed, progress: all });
      }
    }
    if (!moved) atEnd(world, progress.map(({ next }) => next === undefined));
  }
  return visited.size;
}
