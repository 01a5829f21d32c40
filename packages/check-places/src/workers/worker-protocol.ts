import type { Verdict } from '@vpmem/explorer';
import { lastLine, verdictOf } from '../verdict.ts';

/** A line of JSON that a worker reads: what it is to look at. */
export interface WorkerQuestion {
  /** The image or the block device. */
  readonly image: string;
  /** The mount point; null where nothing is mounted. */
  readonly mount: string | null;
  readonly state: string;
  readonly flush: string;
  /** All of them, oldest first. */
  readonly marks: readonly string[];
  readonly lastMark: string;
  /** The number acknowledged last, in decimal; null if none was. */
  readonly acked: string | null;
  /** An empty folder, gone after the check. */
  readonly out: string;
}

/** The line of JSON that it writes then: a verdict by its name, or as a status that a program would exit with. */
export interface WorkerAnswer {
  readonly verdict?: Verdict;
  readonly status?: number;
  /** One line by which failures are grouped. */
  readonly signature?: string;
  readonly output?: string;
}

const VERDICTS: ReadonlySet<unknown> = new Set<Verdict>(['kept', 'violated', 'inapplicable', 'hang', 'broken']);

/** What a line says; undefined if it is no answer. */
export function parseWorkerAnswer(line: string): { readonly verdict: Verdict; readonly signature: string; readonly output: string } | undefined {
  let answer: WorkerAnswer | null;
  try {
    answer = JSON.parse(line) as WorkerAnswer | null;
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { verdict, status, signature = '', output = '' } = answer;
  if (typeof signature !== 'string' || typeof output !== 'string') return undefined;
  const said = lastLine(signature) ?? lastLine(output) ?? '';
  if (verdict !== undefined) return VERDICTS.has(verdict) ? { verdict, signature: said, output } : undefined;
  if (typeof status !== 'number' || !Number.isInteger(status)) return undefined;
  return { ...verdictOf({ status, stdout: said, stderr: '' }), output };
}
