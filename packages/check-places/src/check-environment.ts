import { ExploreError, type CheckQuestion } from '@vpmem/explorer';
import type { Checker } from './checker.ts';

/** Where a checker finds what it looks at, in the words of the system that it runs in. */
export interface CheckPaths {
  /** The image or the block device. */
  readonly image: string;
  /** The mount point; undefined where nothing is mounted. */
  readonly mount?: string | undefined;
  /** A folder that is empty, and gone after the check. */
  readonly out: string;
}

/** Bytes of marks in the environment: the kernel takes 128 KiB for one variable, and a page less for an argument. */
const MAX_MARKS = 65_536;

/** The variables that a checker is told by. VPMEM_MARKS has the last marks that fit into 64 KiB, oldest first; a worker is told all. */
export function checkEnvironment(question: CheckQuestion, paths: CheckPaths): Record<string, string> {
  return {
    VPMEM_IMAGE: paths.image,
    VPMEM_MOUNT: paths.mount ?? '',
    VPMEM_STATE: question.state,
    VPMEM_FLUSH: question.window,
    VPMEM_MARKS: joinMarks(question.marks),
    VPMEM_LAST_MARK: clean(question.marks.at(-1) ?? ''),
    VPMEM_ACKED: acknowledged(question.marks) ?? '',
    VPMEM_OUT: paths.out,
  };
}

/** The number that the last mark with a number ends with, in decimal without zeroes in front; undefined if none has one. */
export function acknowledged(marks: readonly string[]): string | undefined {
  for (let i = marks.length - 1; i >= 0; i--) {
    const digits = /(\d+)\s*$/.exec(marks[i] ?? '')?.[1];
    if (digits !== undefined) return BigInt(digits).toString();
  }
  return undefined;
}

/**
 * Refuses what would check nothing: a checker that compares with what was acknowledged, and a recording of which no mark ends with a number.
 *
 * @throws ExploreError
 */
export function refuseWithoutNumbers(checker: Checker, marks: readonly string[]): void {
  if (!checker.wantsNumbers || acknowledged(marks) !== undefined) return;
  const what = marks.length === 0 ? 'the recording has no marks' : `none of the recording's ${marks.length} marks ends with a number`;
  throw new ExploreError(`checker ${checker.name} compares with the number acknowledged last, and ${what}; record marks such as "acked 17"`);
}

function joinMarks(marks: readonly string[]): string {
  const kept: string[] = [];
  let room = MAX_MARKS;
  for (let i = marks.length - 1; i >= 0; i--) {
    const mark = clean(marks[i] ?? '');
    room -= Buffer.byteLength(mark) + 1;
    if (room < 0) break;
    kept.unshift(mark);
  }
  return kept.join('|');
}

/** The environment has no NUL. */
function clean(text: string): string {
  return text.replaceAll('\0', ' ').slice(0, MAX_MARKS);
}
