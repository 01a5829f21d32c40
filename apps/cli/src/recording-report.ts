import { formatSize } from '@vpmem/options';
import { windowName, type RecordedEvent, type RecordedMoment, type RecordedWindow, type Recording } from '@vpmem/recording';
import { formatTable } from './table.ts';

/** What `vpmem recording info --json` prints. */
export interface RecordingSummary {
  readonly kind: 'vpmem-recording';
  readonly version: 1;
  readonly id: string;
  /** Bytes of the memory. */
  readonly size: number;
  /** Bytes of the file that can be read. */
  readonly 'file-size': number;
  readonly start: string;
  /** Microseconds. */
  readonly duration: number;
  readonly 'base-hash': string;
  readonly complete: boolean;
  readonly ending: Recording['ending'];
  readonly flushes: { readonly ok: number; readonly failed: number; readonly cut: number; readonly open: number; readonly first?: number; readonly last?: number };
  readonly cuts: number;
  readonly marks: number;
  readonly clients: number;
  /** Bytes of the recording for each flush: half of them take no more. */
  readonly 'median-flush-size'?: number;
}

export function summarize(recording: Recording): RecordingSummary {
  const flushes = recording.windows.filter(({ kind }) => kind === 'flush');
  const count = (status: RecordedWindow['status']): number => flushes.filter((flush) => flush.status === status).length;
  const events = { mark: 0, client: 0 };
  for (const event of recording.events()) {
    if (event.type === 'mark') events.mark++;
    if (event.type === 'client' && event.change === 'came') events.client++;
  }
  const [first, last] = [flushes[0]?.number, flushes.at(-1)?.number];
  const sizes = flushes.map(({ asked = 0, to }) => recording.offsetOf(to) - recording.offsetOf(asked)).sort((a, b) => a - b);
  const median = sizes[Math.floor((sizes.length - 1) / 2)];
  return {
    kind: 'vpmem-recording',
    version: 1,
    id: Buffer.from(recording.id).toString('hex'),
    size: recording.size,
    'file-size': recording.ending.offset,
    start: new Date(recording.startTime / 1000).toISOString(),
    duration: recording.duration,
    'base-hash': Buffer.from(recording.baseHash).toString('hex'),
    complete: recording.complete,
    ending: recording.ending,
    flushes: { ok: count('ok'), failed: count('failed'), cut: count('cut'), open: count('open'), ...(first !== undefined && last !== undefined && { first, last }) },
    cuts: recording.windows.filter(({ kind }) => kind === 'cut').length,
    marks: events.mark,
    clients: events.client,
    ...(median !== undefined && { 'median-flush-size': median }),
  };
}

export function formatSummary(file: string, summary: RecordingSummary): string {
  const { ok, failed, cut, open, first, last } = summary.flushes;
  const answers = [`${ok} ok`, ...(failed > 0 ? [`${failed} failed`] : []), ...(cut > 0 ? [`${cut} cut off`] : []), ...(open > 0 ? [`${open} without an answer`] : [])].join(', ');
  const median = summary['median-flush-size'];
  const rows = [
    ['file', `${file}, ${summary['file-size']} bytes${median === undefined ? '' : `; half of the flushes take ${median} or less`}`],
    ['memory', formatSize(summary.size)],
    ['start', summary.start],
    ['duration', `${(summary.duration / 1e6).toFixed(3)} s`],
    ['flushes', first === undefined ? 'none' : `${first} to ${last ?? first}: ${answers}`],
    ['power cuts', String(summary.cuts)],
    ['marks', String(summary.marks)],
    ['clients', String(summary.clients)],
    ['base', `sha256 ${summary['base-hash']}`],
    ['end', summary.complete ? 'whole' : `${summary.ending.kind} at offset ${summary.ending.offset}: ${summary.ending.text}`],
  ];
  return rows.map(([name = '', value = '']) => `${name.padEnd(11)} ${value.replaceAll(/\p{Cc}/gu, '\ufffd')}\n`).join('');
}

/** A window as `vpmem recording list --json` prints it. */
export interface ListedWindow {
  /** What a state's text begins with. */
  readonly window: string;
  readonly status: RecordedWindow['status'];
  /** Microseconds since the start: of the last frame in it. */
  readonly time: number;
  /** How many pages changed. */
  readonly pages: number;
  /** Counted from 1, in the text of a state. */
  readonly moments: readonly RecordedMoment[];
  /** The moment that `all` is, unless another is named. */
  readonly target: number;
  /** Made since the window before, and before its flush was asked for: what was promised by then. */
  readonly marks: readonly string[];
}

export function listWindows(recording: Recording): ListedWindow[] {
  let listed = recording.start;
  return recording.windows.map((window) => {
    const { pages, moments, target } = recording.contents(window);
    const until = window.asked ?? window.to;
    const marks = [...recording.events(listed, until)].filter((event): event is RecordedEvent & { type: 'mark' } => event.type === 'mark').map(({ text }) => text);
    listed = Math.max(listed, until);
    return { window: windowName(window), status: window.status, time: recording.timeOf(window.to - 1), pages: pages.length, moments, target, marks };
  });
}

const HEAD = ['STATE', 'SECONDS', 'ANSWER', 'PAGES', 'MOMENTS', 'MARKS'];
/** Of each kind of many, that many are shown. */
const SHOWN = 4;

export function formatWindows(windows: readonly ListedWindow[]): string {
  const rows = windows.map(({ window, time, status, pages, moments, marks }) => [window, (time / 1e6).toFixed(3), window === 'end' ? '-' : status, String(pages), some(moments.map(({ cause }) => cause)), some(marks)]);
  return formatTable(HEAD, rows, ['SECONDS', 'PAGES']);
}

function some(words: readonly string[]): string {
  return words.length === 0 ? '-' : words.length <= SHOWN ? words.join(', ') : `${words.slice(0, SHOWN - 1).join(', ')}, … ${words.at(-1) ?? ''}`;
}
