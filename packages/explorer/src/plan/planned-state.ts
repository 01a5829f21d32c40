import type { RecordedState, StateItem, StateUnit, WindowContents } from '@vpmem/recording';

/** Parts of the work on a window, in their order. */
export type Stage = 'whole' | 'tears' | 'neighbours' | 'every' | 'chance';

/** A state that is worth a look. */
export interface PlannedState {
  readonly state: RecordedState;
  /** The one that its text is in; `page` if that is none. */
  readonly unit: StateUnit;
  readonly stage: Stage;
}

/** What a stage plans. Between two stages, and in a long one, the turn goes to another window: `turn`. */
export type Planned = PlannedState | 'turn';

/** Makes the states of one window and stage. */
export class StateMaker {
  readonly contents: WindowContents;
  readonly #stage: Stage;

  constructor(contents: WindowContents, stage: Stage) {
    this.contents = contents;
    this.#stage = stage;
  }

  none(): PlannedState {
    return this.#of('page', { kind: 'none' });
  }

  /** `moment`: unless given, the target. */
  all(moment?: number): PlannedState {
    return this.#of('page', moment === undefined || moment === this.contents.target ? { kind: 'all' } : { kind: 'all', moment });
  }

  /** All but what is listed. */
  without(unit: StateUnit, items: readonly StateItem[]): PlannedState {
    return items.length === 0 ? this.all() : this.#of(unit, { kind: '-', unit, items });
  }

  /** Only what is listed. */
  only(unit: StateUnit, items: readonly StateItem[]): PlannedState {
    return items.length === 0 ? this.none() : this.#of(unit, { kind: '+', unit, items });
  }

  random(unit: StateUnit, seed: number): PlannedState {
    return this.#of(unit, { kind: 'random', unit, seed });
  }

  #of(unit: StateUnit, choice: RecordedState['choice']): PlannedState {
    return { state: { window: this.contents.window, choice }, unit, stage: this.#stage };
  }
}

/** `limit` of the numbers from 0 to `count` - 1, at equal distances, with the first and the last. */
export function spread(count: number, limit: number): readonly number[] {
  if (count <= limit) return Array.from({ length: count }, (_, i) => i);
  if (limit <= 1) return limit === 1 ? [0] : [];
  return Array.from({ length: limit }, (_, i) => Math.round((i * (count - 1)) / (limit - 1)));
}

/** The first `limit` of what many bring forth, one of each in turn. */
export function* inTurns<T>(sources: readonly Iterable<T>[], limit: number): Generator<T> {
  let left = limit;
  let open = sources.map((source) => source[Symbol.iterator]());
  while (open.length > 0) {
    const still: Iterator<T>[] = [];
    for (const source of open) {
      const next = source.next();
      if (next.done === true) continue;
      if (left-- <= 0) return;
      yield next.value;
      still.push(source);
    }
    open = still;
  }
}
