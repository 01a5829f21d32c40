import { createHash } from 'node:crypto';
import { Coverage, literalValues, stepCount } from './coverage.ts';
import { Mutator } from './mutation.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';
import { tryInput } from './trial.ts';

/** Inputs that showed something new lately are chosen half of the time: who was just there gets further most easily. */
const LATE = 32;
/** An input that takes more steps is not changed further: a hundred others are run in its time. */
const SLOW = 2 ** 17;

/** An input that something is wrong with, and what. */
export interface FoundInput {
  readonly input: Uint8Array;
  readonly error: Error;
  readonly key: string;
}

/** How far it has come. */
export interface Progress {
  readonly executions: number;
  /** Points of instrumented code reached. */
  readonly points: number;
  /** Points and how often. */
  readonly features: number;
  readonly corpus: number;
}

/** Runs a target with changed inputs, and keeps those that show something new. The same seed and corpus do the same again. */
export class Fuzzer {
  readonly #target: Target;
  readonly #random: Random;
  readonly #mutator: Mutator;
  readonly #coverage = new Coverage();
  readonly #corpus: Uint8Array[] = [];
  readonly #findings = new Map<string, FoundInput>();
  readonly #mostFindings: number;
  #executions = 0;

  /** `mostFindings`: after so many different ones it ends. */
  constructor(target: Target, { seed, mostFindings }: { readonly seed: number; readonly mostFindings: number }) {
    this.#mostFindings = mostFindings;
    this.#target = target;
    this.#random = new Random(seed);
    this.#mutator = new Mutator(this.#random, { maxLength: target.maxLength, literals: literalValues() });
  }

  get findings(): readonly FoundInput[] {
    return [...this.#findings.values()];
  }

  /** Whether so much was found that it does not go on. */
  get full(): boolean {
    return this.#findings.size >= this.#mostFindings;
  }

  get progress(): Progress {
    const { points, features } = this.#coverage;
    return { executions: this.#executions, points, features, corpus: this.#corpus.length };
  }

  /** The inputs kept so far. */
  get corpus(): readonly Uint8Array[] {
    return this.#corpus;
  }

  /** The same if all inputs kept were the same. */
  get digest(): string {
    const hash = createHash('sha256');
    for (const input of this.#corpus) hash.update(`${input.length}:`).update(input);
    return hash.digest('hex').slice(0, 12);
  }

  /** Begins with what the target and a saved corpus offer. */
  async begin(saved: readonly Uint8Array[]): Promise<void> {
    for (const input of [...this.#target.seeds, ...saved]) await this.#try(input.subarray(0, this.#target.maxLength));
    // However little it shows, there is something to change.
    if (this.#corpus.length === 0) this.#corpus.push(new Uint8Array(0));
  }

  /** Goes on until `enough` says so, which is asked before every execution, or too much was found. */
  async run(enough: (progress: Progress) => boolean): Promise<void> {
    while (!this.full && !enough(this.progress)) {
      await this.#try(this.#mutator.mutate(this.#choose(), this.#random.pick(this.#corpus)));
    }
  }

  #choose(): Uint8Array {
    const late = this.#random.once(2) ? Math.min(LATE, this.#corpus.length) : this.#corpus.length;
    return this.#corpus[this.#corpus.length - 1 - this.#random.below(late)]!;
  }

  async #try(input: Uint8Array): Promise<void> {
    this.#executions++;
    const finding = await tryInput(this.#target, input);
    const added = this.#coverage.take().length;
    if (finding === undefined) {
      if (added > 0 && stepCount() <= SLOW) this.#corpus.push(Uint8Array.from(input));
    } else if (!this.#findings.has(finding.key)) {
      this.#findings.set(finding.key, { input: Uint8Array.from(input), ...finding });
    }
  }
}
