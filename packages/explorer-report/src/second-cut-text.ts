import type { ExploreReport } from '@vpmem/explorer';
import { failureLines } from './failure-text.ts';
import type { Paint } from './paint.ts';
import { afterWhat, laterFailures, secondCutWords } from './second-cuts.ts';
import { wrap } from './text-layout.ts';
import { count } from './wording.ts';

/** Failures that are told of. */
const FAILURES = 10;

/** What second cuts came to, for people; nothing if none was tried. */
export function secondCutLines(report: ExploreReport, width: number, paint: Paint): string[] {
  const words = secondCutWords(report);
  if (words === undefined) return [];
  const failures = laterFailures(report);
  const left = failures.length - FAILURES;
  return [
    paint.strong('Second cut'),
    ...wrap(words, width, '  '),
    '',
    ...failures.slice(0, FAILURES).flatMap((later, i) => [...failureLines(later.failure, report.failures.length + i + 1, width, paint, afterWhat(later)), '']),
    ...(left > 0 ? [...wrap(`and ${count(left, 'kind')} more; a report in JSON or HTML has all of them`, width), ''] : []),
  ];
}
