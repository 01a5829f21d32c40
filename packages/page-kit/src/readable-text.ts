/** What would move a cursor, colour a terminal, turn the direction of writing, or not be seen at all; and halves of characters. */
const UNREADABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const TERMINAL_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;

/** Text that a guest wrote, in one line that shows itself and does nothing else. No longer than `most` characters, if that is given. */
export function readable(text: string, most = Infinity): string {
  const line = text.replaceAll(TERMINAL_SEQUENCE, '').replaceAll(/[\t\n\r]+/g, ' ').replaceAll(UNREADABLE, '\ufffd').trim();
  if (line.length <= most) return line;
  // Not in the middle of a character.
  return `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The same of several lines, which stay lines. */
export function readableLines(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.replaceAll(TERMINAL_SEQUENCE, '').replaceAll('\t', '    ').replaceAll(UNREADABLE, '\ufffd').trimEnd());
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}
