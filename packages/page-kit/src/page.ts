import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pageScript } from './page-script.ts';

/** What all pages look like. The same from `src` and from `dist`. */
const BASE_STYLE = new URL('../src/base.css', import.meta.url);

/** What a page is made of. */
export interface PageParts {
  /** Its first module, as built. */
  readonly entry: URL;
  /** A style sheet, which comes after the one that all pages have. */
  readonly style: URL;
  /** HTML with places: `{{policy}}`, `{{style}}` and `{{script}}`, and those of `values`. */
  readonly skeleton: URL;
  /** What fills other places, as it is to stand in HTML. */
  readonly values?: Readonly<Record<string, string>>;
  /** What the policy allows beside script, style and pictures in the page: `connect-src 'self'`. */
  readonly allows?: readonly string[];
}

/** A page, and the policy that it states itself. */
export interface Page {
  readonly html: string;
  readonly policy: string;
}

/**
 * One HTML file that needs no other. Its policy lets no script and no style run but its own, by their hashes, so text that somebody else
 * wrote could do nothing even if it were taken for markup.
 *
 * @throws Error where script or style have their own end in them
 */
export function composePage({ entry, style: own, skeleton, values = {}, allows = [] }: PageParts): Page {
  const [style, script] = [[BASE_STYLE, own].map((file) => readFileSync(file, 'utf8').trim()).join('\n'), pageScript(entry)];
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('the page has its own end in its script or style');
  const policy = ["default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, 'img-src data:', ...allows, "base-uri 'none'", "form-action 'none'"].join('; ');
  const all: Readonly<Record<string, string>> = { ...values, policy, style, script };
  return { html: readFileSync(skeleton, 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => all[name] ?? ''), policy };
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
