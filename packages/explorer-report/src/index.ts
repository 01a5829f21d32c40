export { toHtml } from './html.ts';
export { toJunit } from './junit.ts';
export { ProgressLine, type ProgressOptions } from './progress-line.ts';
export { readable, readableLines } from '@vpmem/page-kit/readable-text';
export { mergeReports, type MergeOptions } from './report-merge.ts';
export { parseReport } from './report-parser.ts';
export { formatReport, type TextOptions } from './report-text.ts';
