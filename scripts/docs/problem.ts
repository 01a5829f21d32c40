/** Something a check found. A warning is printed and fails nothing. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** From the root; where a line matters, `file:line`. */
  readonly file: string;
  /** What is wrong, and what would be right. */
  readonly text: string;
}

export function error(file: string, text: string): Problem {
  return { severity: 'error', file, text };
}

export function warning(file: string, text: string): Problem {
  return { severity: 'warning', file, text };
}

/** Names as one reads them: `a, b`, or `nothing`. */
export function list(names: Iterable<string>): string {
  return [...names].join(', ') || 'nothing';
}
