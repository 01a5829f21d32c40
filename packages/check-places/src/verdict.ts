import type { Verdict } from '@vpmem/explorer';

/** How a checker ended. */
export interface CheckerEnd {
  /** Exit status, if it ended by itself. */
  readonly status?: number | undefined;
  /** `SIGSEGV`, if a signal ended it. */
  readonly signal?: string | undefined;
  /** Nothing was heard of it in time, and it was killed. */
  readonly timedOut?: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Exit statuses that are not plain failures. 126 and 127 are what a shell exits with when it cannot run a program. */
const STATUS: Readonly<Record<number, Verdict>> = { 0: 'kept', 77: 'inapplicable', 124: 'hang', 125: 'broken', 126: 'broken', 127: 'broken' };

/** Longest signature, in characters: one line of a report. */
const MAX_SIGNATURE = 300;

/**
 * What the end of a checker says: 0 kept, 77 inapplicable, 124 or no end in time hang, 125 to 127 broken, everything else violated. The
 * signature is the last line of its output that is not empty, else of what it wrote to stderr, else how it ended.
 */
export function verdictOf(end: CheckerEnd): { readonly verdict: Verdict; readonly signature: string } {
  const said = lastLine(end.stdout) ?? lastLine(end.stderr);
  if (end.timedOut === true) return { verdict: 'hang', signature: said ?? 'no answer in time' };
  if (end.signal !== undefined) return { verdict: 'violated', signature: said ?? `signal ${end.signal}` };
  const status = end.status ?? 125;
  const verdict = STATUS[status] ?? 'violated';
  return { verdict, signature: said ?? (verdict === 'kept' ? '' : `exit status ${status}`) };
}

/** The last line with anything in it, without control characters; undefined if there is none. */
export function lastLine(text: string): string | undefined {
  for (let end = text.length; end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(start, end).replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
    if (line !== '') return line.slice(0, MAX_SIGNATURE);
    end = start - 1;
  }
  return undefined;
}
