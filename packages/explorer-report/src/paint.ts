/** How words are made to stand out at a terminal. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly strong: (text: string) => string;
}

const same = (text: string): string => text;
const code = (on: number, off: number) => (text: string): string => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);

export function paintOf(colors: boolean): Paint {
  if (!colors) return { good: same, bad: same, dim: same, strong: same };
  return { good: code(32, 39), bad: code(31, 39), dim: code(2, 22), strong: code(1, 22) };
}
