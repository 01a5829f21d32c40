/**
 * Lines of columns, each as wide as its widest cell; columns named in `right` end where others begin. Names may have anything in
 * them: what would move the cursor is shown as U+FFFD.
 */
export function formatTable(head: readonly string[], given: readonly (readonly string[])[], right: readonly string[] = []): string {
  const rows = given.map((cells) => cells.map((cell) => cell.replaceAll(/\p{Cc}/gu, '\ufffd')));
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (right.includes(head[column] ?? '') ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd();
  return [head, ...rows].map((cells) => `${line(cells)}\n`).join('');
}
