// What a guest that means ill writes where a report shows it.
import type { ExploreReport } from '@vpmem/explorer';
import { sampleReport } from './sample-report.ts';

export const HOSTILE = [
  '</script><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
  '<!--<script>window.hacked=1</script>',
  '"><svg onload=window.hacked=1>\'&amp;]]>',
  '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b[2J\u001b[1;1H cleared \u009b31m',
  'nul \u0000 bell \u0007 back \b\b\b delete \u007f feed \f vertical \v',
  'right to left \u202eevil\u202c, isolate \u2067x\u2069, zero\u200bwidth, \ufeffmark, line\u2028paragraph\u2029',
  'half \ud800 and \udfff of a pair, \ufffe \uffff',
  'two\nlines\r\nand\ttabs',
  '中文字符 🙂 e\u0301 שלום',
  'x'.repeat(5000),
  `${'word '.repeat(2000)}end`,
  '__proto__',
] as const;

/** A report in which everything that is a text of somebody else is one of these. */
export function hostileReport(): ExploreReport {
  const report = sampleReport();
  const text = (i: number): string => HOSTILE[i % HOSTILE.length] ?? '';
  return {
    ...report,
    recording: { ...report.recording, file: text(0) },
    options: { ...report.options, check: text(2), mount: text(1) },
    marks: report.marks.map(({ time }, i) => ({ time, text: text(i) })),
    failures: HOSTILE.flatMap((signature, i) => {
      const failure = report.failures[i % report.failures.length];
      if (failure === undefined) return [];
      const { minimal } = failure;
      return {
        ...failure,
        signature,
        output: HOSTILE.join('\n'),
        marks: HOSTILE,
        reproduce: `vpmem explore --reproduce '${text(i + 1)}'`,
        ...(minimal !== undefined && { minimal: { ...minimal, pieces: minimal.pieces.map((piece) => ({ ...piece, names: piece.names.map((name) => ({ ...name, name: text(i + 2), path: text(i + 3) })) })) } }),
      };
    }),
  };
}
