import { AREA, lastSeen, PAGE, type Workload } from './workload.ts';

const ZEROS = Buffer.alloc(AREA);

/** One character for each page of a workload's file, from its beginning. */
export const PAGE_MARKS = {
  untouched: '.',
  /** Before the cut: stored, and an fsync answered since. After it: everything that was stored last is there. */
  whole: '#',
  /** Stored, and no fsync since. */
  stored: 'o',
  /** Nothing of it is there. */
  lost: 'x',
  /** Some of it is there. */
  torn: '~',
} as const;

/** What a guest has made of its file when its power goes. */
export function pagesBefore({ steps }: Workload): string {
  const marks = Array.from<string>({ length: AREA / PAGE }).fill(PAGE_MARKS.untouched);
  for (const step of steps) {
    if (step.kind === 'store') {
      for (let page = Math.floor(step.offset / PAGE); page * PAGE < step.offset + step.length; page++) marks[page] = PAGE_MARKS.stored;
    } else marks.forEach((mark, page) => (marks[page] = mark === PAGE_MARKS.stored ? PAGE_MARKS.whole : mark));
  }
  return marks.join('');
}

/** What of that is left; `left` is the beginning of the file, which may be shorter than it was. */
export function pagesAfter(workload: Workload, left: Buffer): string {
  const [seen, found] = [lastSeen(workload), padded(left)];
  return Array.from(pagesBefore(workload), (mark, page) => {
    const [from, to] = [page * PAGE, (page + 1) * PAGE];
    if (mark === PAGE_MARKS.untouched && isZero(found.subarray(from, to))) return mark;
    return compareBytes(seen.subarray(from, to), found.subarray(from, to));
  }).join('');
}

/** What is found of bytes that were stored, where zeros were before: all, nothing, or some. */
export function compareBytes(stored: Buffer, found: Buffer): '#' | 'x' | '~' {
  if (stored.equals(found)) return PAGE_MARKS.whole;
  return isZero(found) ? PAGE_MARKS.lost : PAGE_MARKS.torn;
}

/** The area of a file; what the file does not have is zeros, which no record has. */
export function padded(left: Buffer): Buffer {
  const area = Buffer.alloc(AREA);
  left.copy(area);
  return area;
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
