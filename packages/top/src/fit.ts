import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter();

/** `text` in exactly so many columns of a terminal: cut off with `…`, or filled. What would move the cursor is shown as U+FFFD. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const clean = text.replaceAll(/\p{Cc}/gu, '\ufffd');
  const cut = measure(clean) <= width ? clean : cutOff(clean, width);
  const filler = ' '.repeat(Math.max(0, width - measure(cut)));
  return align === 'right' ? filler + cut : cut + filler;
}

/** The width of what {@link fit} would show if there were room for all of it. */
export function fullWidth(text: string): number {
  return measure(text.replaceAll(/\p{Cc}/gu, '\ufffd'));
}

/** `text` in as many lines as it needs, broken between words where that can be. */
export function breakLines(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && measure(`${line} ${word}`) > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Most cells are of plain letters, which are one wide. */
function measure(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

function cutOff(text: string, width: number): string {
  if (width <= 0) return '';
  let cut = '';
  let left = width - 1;
  for (const { segment } of segmenter.segment(text)) {
    left -= measure(segment);
    if (left < 0) break;
    cut += segment;
  }
  return `${cut}…`;
}
