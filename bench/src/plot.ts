// One picture of a comparison: what an fsync takes, by percentiles, and the ratios of rates. Light or dark, as who looks at it has it.
import { MEDIA, NAMES } from './comparison-tables.ts';
import { figuresOf } from './figures.ts';
import type { MediumResult } from './guest-comparison.ts';
import type { Server } from './guest-devices.ts';
import type { Beginning } from './json-report.ts';
import { latencyPanel, latencyScale, LINE, marker, ratioPanel, type Drawn } from './plot-panels.ts';
import { svg, svgText } from './svg-element.ts';
import { guestLines, hostLines } from './surroundings.ts';

const WIDTH = 1100;
const MARGIN = 24;

/** By part: on white, on black. Texts have a contrast of at least 4.5. */
const COLOURS = {
  back: ['#ffffff', '#0d1117'],
  ink: ['#1f2328', '#e6edf3'],
  quiet: ['#d0d7de', '#30363d'],
  vpmem: ['#0550ae', '#79c0ff'],
  other: ['#953800', '#ffa657'],
  qemu: ['#57606a', '#a3acb6'],
} as const;

/** SVG of its own: it needs no file and no font beside it. */
export function drawPlot(results: readonly MediumResult[], { begun, host }: Beginning): string {
  const servers = results[0]?.servers ?? [];
  const heading = [svgText(MARGIN, 36, 'title', "vpmem beside QEMU's own virtio-pmem"), ...legend(servers, 36)];
  const surroundings = [...hostLines(host), ...(results[0] === undefined ? [] : guestLines(results[0].surroundings).slice(0, 2)), `Begun ${begun}`];
  let y = 36 + LINE;
  const elements = [...heading];
  for (const line of surroundings) elements.push(svgText(MARGIN, (y += LINE) - LINE / 2, 'small', line));
  for (const result of results) {
    const drawn = drawMedium(result, y + LINE * 2);
    elements.push(...drawn.elements);
    y += LINE * 2 + drawn.height;
  }
  const height = y + MARGIN;
  return `${svg(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: 'img', 'aria-label': "Latencies and rates of vpmem beside QEMU's own virtio-pmem" },
    svg('style', {}, styles()),
    svg('rect', { width: WIDTH, height, class: 'back' }),
    ...elements.map((element) => `\n${element}`),
    '\n',
  )}\n`;
}

function drawMedium(result: MediumResult, top: number): Drawn {
  const { servers, surroundings } = result;
  const figures = figuresOf(result);
  const timed = figures.filter(({ measure }) => measure !== 'rate');
  const workloads = [...new Set(timed.map(({ workload }) => workload))];
  const files = `${MEDIA[result.medium]} (${surroundings.files.type})`;
  const panels = top + LINE * 2.5;
  const width = (WIDTH - 2 * MARGIN) / Math.max(workloads.length, 1);
  const scale = latencyScale(timed, panels);
  const latencies = workloads.map((workload, i) => latencyPanel(timed.filter((each) => each.workload === workload), servers, scale, { x: MARGIN + width * i, y: panels, width: width - 8 }));
  const between = panels + Math.max(0, ...latencies.map(({ height }) => height)) + LINE * 2.5;
  const rates = ratioPanel(figures.filter(({ measure }) => measure === 'rate'), { x: MARGIN, y: between + LINE * 0.7, width: WIDTH - 2 * MARGIN });
  const elements = [
    svgText(MARGIN, top, 'strong', `Files ${files}: µs of an fsync, within which 5, 25, 50 and 99 % of them are done; ratios to ${NAMES.qemu}, below 1 is faster`),
    ...latencies.flatMap((panel) => panel.elements),
    svgText(MARGIN, between, 'strong', `Files ${files}: rates, to those of ${NAMES.qemu}${servers.includes('other') ? ' where nothing else stands there' : ''}; above 1 is faster, the line is between the quarters`),
    ...rates.elements,
  ];
  return { elements, height: between + LINE * 0.7 + rates.height - top };
}

function legend(servers: readonly Server[], y: number): string[] {
  return servers.flatMap((server, i) => {
    const x = WIDTH - MARGIN - (servers.length - i) * 120;
    return [marker(server, x, y - 5), svgText(x + 12, y, `text-${server}`, NAMES[server])];
  });
}

function styles(): string {
  const rules = (side: 0 | 1): string => {
    const of = (name: keyof typeof COLOURS): string => COLOURS[name][side];
    const series = (['vpmem', 'other', 'qemu'] as const).map((name) => `.fill-${name},.text-${name}{fill:${of(name)}}.line-${name}{stroke:${of(name)}}`);
    return [`.back{fill:${of('back')}}text{fill:${of('ink')}}.grid{stroke:${of('quiet')}}.one{stroke:${of('ink')}}`, ...series].join('');
  };
  const shapes = 'text{font:13px system-ui,sans-serif}.small{font-size:12px}.title{font-size:20px;font-weight:600}.strong{font-weight:600}.middle{text-anchor:middle}.end{text-anchor:end}.curve{fill:none;stroke-width:2}.one{stroke-dasharray:4 3}';
  return `${shapes}${rules(0)}@media (prefers-color-scheme:dark){${rules(1)}}`;
}
