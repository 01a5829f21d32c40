import { Coverage, stepCount } from './coverage.ts';
import type { Target } from './target.ts';
import { tryInput } from './trial.ts';

const MOST_TRIES = 2000;
const MOST_STEPS = 2 ** 28;

/** A shorter input for which `holds` says the same, found by leaving out and zeroing ever smaller pieces. */
export async function shorten(input: Uint8Array, holds: (candidate: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = input;
  const left = { tries: MOST_TRIES, steps: MOST_STEPS };
  const better = async (candidate: Uint8Array): Promise<boolean> => {
    if (left.tries-- <= 0 || left.steps <= 0) return false;
    const held = await holds(candidate);
    left.steps -= stepCount();
    if (held) best = candidate;
    return held;
  };
  for (let size = 2 ** Math.floor(Math.log2(Math.max(1, input.length))); size >= 1; size /= 2) {
    for (let at = 0; at < best.length; ) {
      if (!(await better(Buffer.concat([best.subarray(0, at), best.subarray(at + size)])))) at += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue;
    const zeroed = Uint8Array.from(best);
    zeroed[at] = 0;
    await better(zeroed);
  }
  return best;
}

/** As few and short inputs as show all that `inputs` show: the shortest first, each that adds something. */
export async function distil(target: Target, inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const coverage = new Coverage();
  const kept: Uint8Array[] = [];
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const finding = await tryInput(target, input);
    if (finding === undefined && coverage.take() > 0) kept.push(input);
  }
  return kept;
}
