import type xterm from '@xterm/headless';

/** Pixels of a character, and of the edge around all of them. */
const [WIDTH, HEIGHT, EDGE] = [8.4, 18, 12];
/** The first sixteen colours of a terminal, on dark ground. */
const COLORS = ['#1f2328', '#ff7b72', '#7ee787', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#d0d7de', '#8b949e', '#ffa198', '#aff5b4', '#f2cc60', '#a5d6ff', '#e2c5ff', '#b3f0ff', '#ffffff'];
const [GROUND, INK] = ['#0d1117', '#d0d7de'];

/** What is on the screen as an SVG: each run of characters that look alike is one text. */
export function terminalPicture(buffer: xterm.IBuffer, columns: number, rows: number): string {
  const parts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const line = buffer.getLine(buffer.viewportY + row);
    for (let column = 0; column < columns;) {
      const look = lookOf(line?.getCell(column));
      let text = '';
      const start = column;
      for (; column < columns && lookOf(line?.getCell(column)) === look; column++) text += line?.getCell(column)?.getChars() || ' ';
      parts.push(draw(text, look, EDGE + start * WIDTH, EDGE + row * HEIGHT));
    }
  }
  const [width, height] = [2 * EDGE + columns * WIDTH, 2 * EDGE + rows * HEIGHT];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">\n` +
    `<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>\n${parts.filter((part) => part !== '').join('\n')}\n</svg>\n`
  );
}

/** Colour, ground and weight in one word. */
function lookOf(cell: xterm.IBufferCell | undefined): string {
  if (cell === undefined) return `${INK} ${GROUND} normal 1`;
  const ink = cell.isFgPalette() ? (COLORS[cell.getFgColor()] ?? INK) : INK;
  const ground = cell.isBgPalette() ? (COLORS[cell.getBgColor()] ?? GROUND) : GROUND;
  const [front, back] = cell.isInverse() ? [ground, ink] : [ink, ground];
  return `${front} ${back} ${cell.isBold() ? 'bold' : 'normal'} ${cell.isDim() ? 0.6 : 1}`;
}

function draw(text: string, look: string, x: number, y: number): string {
  const [ink = INK, ground = GROUND, weight = 'normal', opacity = '1'] = look.split(' ');
  const width = text.length * WIDTH;
  const behind = ground === GROUND ? '' : `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${HEIGHT}" fill="${ground}"/>`;
  if (text.trim() === '') return behind;
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `${behind}<text x="${x.toFixed(1)}" y="${(y + 0.75 * HEIGHT).toFixed(1)}" textLength="${width.toFixed(1)}" xml:space="preserve" fill="${ink}" font-weight="${weight}" opacity="${opacity}">${escaped}</text>`;
}
