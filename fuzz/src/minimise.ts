import { countedFeatures, Coverage, stepCount } from './coverage.ts';
import type { Target } from './target.ts';
import { tryInput } from './trial.ts';

const MOST_TRIES = 2000;
/** For an input that is only to be kept. */
const FEW_TRIES = 60;
const MOST_STEPS = 2 ** 28;

/** A shorter input for which `holds` says the same, found by leaving out and zeroing ever smaller pieces. */
export async function shorten(input: Uint8Array, holds: (candidate: Uint8Array) => Promise<boolean>, tries = MOST_TRIES): Promise<Uint8Array> {
  let best = input;
  const left = { tries, steps: MOST_STEPS };
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

/** As few and short inputs as show all that `inputs` show: of each that adds something, the shortest first, what it takes for that. */
export async function distil(target: Target, inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const coverage = new Coverage();
  const kept: Uint8Array[] = [];
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const finding = await tryInput(target, input);
    const added = coverage.take();
    if (finding !== undefined || added.length === 0) continue;
    const shows = async (candidate: Uint8Array): Promise<boolean> => {
      if ((await tryInput(target, candidate)) !== undefined) return false;
      const features = new Set(countedFeatures());
      return added.every((feature) => features.has(feature));
    };
    kept.push(await shorten(input, shows, FEW_TRIES));
  }
  return kept;
}
