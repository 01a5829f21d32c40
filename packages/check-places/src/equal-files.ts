import { createHash } from 'node:crypto';
import type { CheckerAnswer } from './workers/checker-session.ts';
import { fileDigest } from './file-digest.ts';

/** Verdicts that are kept. */
const MOST = 10_000;

/** A tree of files that is being looked at. */
export interface LookedAt {
  /** By what a verdict is found again; undefined if it cannot. */
  readonly key: string | undefined;
  /** Settles when nobody looks at the tree any more. */
  readonly ended: Promise<unknown>;
}

/** What a checker said of trees of files. Places of one run share it, if their checker looks at nothing but files and what was promised. */
export class EqualFiles {
  readonly #answers = new Map<string, CheckerAnswer>();

  /** `timeout`: milliseconds after which the tree is given up. */
  async look(tree: string, marks: readonly string[], timeout: number): Promise<LookedAt> {
    const late = new AbortController();
    const reading = fileDigest(tree, late.signal);
    let timer: NodeJS.Timeout | undefined;
    const timed = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, timeout, undefined)));
    const digest = await Promise.race([reading, timed]).finally(() => clearTimeout(timer));
    late.abort();
    const key = digest === undefined ? undefined : createHash('sha256').update(digest).update(JSON.stringify(marks)).digest('hex');
    return { key, ended: reading };
  }

  find({ key }: LookedAt): CheckerAnswer | undefined {
    return key === undefined ? undefined : this.#answers.get(key);
  }

  /** A checker that did not come to an end, or could not work, may another time. */
  add({ key }: LookedAt, answer: CheckerAnswer): void {
    if (key === undefined || this.#answers.size >= MOST || answer.verdict === 'hang' || answer.verdict === 'broken') return;
    this.#answers.set(key, answer);
  }
}
