/** Characters that a terminal shows two columns wide: East Asian writing and most emoji. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Those that have no column of their own. */
const MARK = /\p{Mn}|\p{Me}/u;

/** Columns that a text takes in a terminal. */
export function columns(text: string): number {
  let sum = 0;
  for (const character of text) sum += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return sum;
}

/** Lines of at most `width` columns. A word that is longer than a line is parted. The first line begins with `first`, all others with `rest`. */
export function wrap(text: string, width: number, first = '', rest = ' '.repeat(columns(first))): string[] {
  const lines: string[] = [];
  let [line, begins] = [first, true];
  const next = (): void => {
    lines.push(line.trimEnd());
    [line, begins] = [rest, true];
  };
  for (const word of text.split(/ +/).filter((each) => each !== '')) {
    if (!begins && columns(line) + 1 + columns(word) > width) next();
    let left = begins ? word : ` ${word}`;
    while (columns(line) + columns(left) > width) {
      const fits = cut(left, Math.max(2, width - columns(line)));
      [line, left] = [line + fits, left.slice(fits.length)];
      next();
    }
    if (left !== '') [line, begins] = [line + left, false];
  }
  if (!begins || lines.length === 0) next();
  return lines;
}

/** As much of a text's beginning as fits into so many columns. */
export function cut(text: string, width: number): string {
  let [taken, sum] = ['', 0];
  for (const character of text) {
    sum += columns(character);
    if (sum > width) break;
    taken += character;
  }
  return taken;
}

/** So that a terminal's line holds it. */
export function fitted(text: string, width: number): string {
  const short = cut(text, width);
  return short === text ? text : `${cut(text, width - 1)}…`;
}
