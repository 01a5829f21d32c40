/** The candidate that `word` is most likely a misspelling of, if any is close: one edit in each three characters. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = normalize(word);
  const limit = Math.max(1, Math.floor(plain.length / 3));
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - plain.length) > limit) continue;
    const edits = distance(plain, normalize(candidate));
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate;
}

/** Blanks, capitals and underscores are no mistakes worth counting. */
function normalize(word: string): string {
  return word.trim().toLowerCase().replaceAll('_', '-');
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = cost(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replaced, cost(last, j) + 1, cost(row, j - 1) + 1);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, cost(beforeLast, j - 2) + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return cost(last, b.length);
}

function cost(row: readonly number[], j: number): number {
  return row[j] ?? Infinity;
}
