/** Figures of a text that a scrape has given, by what is before them: `name{label="value",…}`. For tests. @throws Error for a line that is neither a comment nor a figure, and for one that is there twice */
export function readExposition(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, series = '', value = ''] = /^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line) ?? [];
    if (series === '' || Number.isNaN(Number(value))) throw new Error(`no figure: ${line}`);
    if (found.has(series)) throw new Error(`twice: ${series}`);
    found.set(series, Number(value));
  }
  return found;
}
