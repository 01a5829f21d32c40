export { composePage, type Page, type PageParts } from './page.ts';
export { pageScript } from './page-script.ts';
export { readable, readableLines } from './readable-text.ts';
