import type { ExploreReport } from '@vpmem/explorer';
import { composePage } from '@vpmem/page-kit';
import { result } from './wording.ts';
import { xmlText } from './xml-text.ts';

/** The page's own files, and what the build makes of its modules. The same from `src` and from `dist`. */
const PAGE = new URL('../src/page/', import.meta.url);
const ENTRY = new URL('../dist/page/page/report-page.js', import.meta.url);

/**
 * The report as one HTML file that needs nothing else: no network, no other file. Its policy lets no script and no style run but
 * its own, by their hashes, so text that a guest wrote could do nothing even if it were taken for markup.
 */
export function toHtml(report: ExploreReport): string {
  const values = {
    title: xmlText(`${report.recording.file}: ${result(report)}`, 200),
    // So that no text in it ends the element, or begins a comment in it.
    report: JSON.stringify(report).replaceAll('<', '\\u003c'),
  };
  return composePage({ entry: ENTRY, style: new URL('report.css', PAGE), skeleton: new URL('report.html', PAGE), values }).html;
}
