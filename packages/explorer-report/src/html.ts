import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ExploreReport } from '@vpmem/explorer';
import { pageScript } from './page-bundle.ts';
import { result } from './wording.ts';
import { xmlText } from './xml-text.ts';

/** The page's own files, which the package has in `src`. The same from `src` and from `dist`. */
const PAGE = new URL('../src/page/', import.meta.url);

/**
 * The report as one HTML file that needs nothing else: no network, no other file. Its policy lets no script and no style run but
 * its own, by their hashes, so text that a guest wrote could do nothing even if it were taken for markup.
 */
export function toHtml(report: ExploreReport): string {
  const [style, script] = [readFileSync(new URL('report.css', PAGE), 'utf8').trim(), pageScript()];
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('the page has its own end in its script or style');
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const values: Readonly<Record<string, string>> = {
    policy,
    title: xmlText(`${report.recording.file}: ${result(report)}`, 200),
    style,
    script,
    // So that no text in it ends the element, or begins a comment in it.
    report: JSON.stringify(report).replaceAll('<', '\\u003c'),
  };
  return readFileSync(new URL('report.html', PAGE), 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
