import { composePage, type Page } from '@vpmem/page-kit';

/** The page's own files, and what the build makes of its modules. The same from `src` and from `dist`. */
const PAGE = new URL('../src/page/', import.meta.url);
const ENTRY = new URL('../dist/page/page/dashboard-page.js', import.meta.url);

/** The page, the same for everybody: what it shows it asks for. */
export function dashboardHtml(): Page {
  return composePage({
    entry: ENTRY,
    style: new URL('dashboard.css', PAGE),
    skeleton: new URL('dashboard.html', PAGE),
    allows: ["connect-src 'self'", "frame-src 'self'"],
  });
}
