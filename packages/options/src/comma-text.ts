/** Where the key that begins at `start` ends: at the next `=` or `,`, or with the text. */
export function keyEnd(text: string, start: number): number {
  const end = /[=,]/g;
  end.lastIndex = start;
  return end.exec(text)?.index ?? text.length;
}

/** The value that begins at `start`, its `,,` turned into commas, and where the next element begins. */
export function readValue(text: string, start: number): { value: string; next: number } {
  let value = '';
  let from = start;
  for (;;) {
    const comma = text.indexOf(',', from);
    if (comma === -1) return { value: value + text.slice(from), next: text.length };
    if (text[comma + 1] !== ',') return { value: value + text.slice(from, comma), next: comma + 1 };
    value += text.slice(from, comma + 1);
    from = comma + 2;
  }
}

/** The opposite of `readValue`. */
export function escapeValue(value: string): string {
  return value.replaceAll(',', ',,');
}
