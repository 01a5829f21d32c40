/**
 * A set of items of which none can be left out, or no half, quarter … while checks last: delta debugging. `fails` says whether some of the items
 * are enough; undefined means that no more may be asked, and then the best so far is it. All of them together are known to fail.
 */
export async function smallestFailing<T>(items: readonly T[], fails: (items: readonly T[]) => Promise<boolean | undefined>): Promise<readonly T[]> {
  let [least, parts] = [items, 2];
  while (least.length > 1) {
    const pieces = inParts(least, Math.min(parts, least.length));
    const rests = pieces.length === 2 ? [] : pieces.map((piece) => least.filter((item) => !piece.includes(item)));
    let found: readonly T[] | undefined;
    for (const candidate of [...pieces, ...rests]) {
      const answer = await fails(candidate);
      if (answer === undefined) return least;
      if (!answer) continue;
      found = candidate;
      break;
    }
    if (found !== undefined) {
      // Of what was left after taking a piece away the other pieces are as large as before.
      parts = pieces.includes(found as T[]) ? 2 : Math.max(2, pieces.length - 1);
      least = found;
    } else if (pieces.length === least.length) return least;
    else parts = 2 * pieces.length;
  }
  return least;
}

function inParts<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, i) => items.slice(Math.floor((i * items.length) / count), Math.floor(((i + 1) * items.length) / count)));
}
