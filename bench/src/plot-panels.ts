// The panels of a plot: latencies of a workload, and ratios of rates.
import { NAMES } from './comparison-tables.ts';
import type { Figure } from './figures.ts';
import type { Server } from './guest-devices.ts';
import { logScale, type LogScale } from './log-scale.ts';
import { short } from './statistics.ts';
import { svg, svgText } from './svg-element.ts';

export const LINE = 17;
const AXIS = 44;
const HEIGHT = 190;

/** Something drawn, and how much room it took from its top on. */
export interface Drawn {
  readonly elements: readonly string[];
  readonly height: number;
}

/** A sign that also tells apart who sees no colours. */
export function marker(server: Server, x: number, y: number): string {
  if (server === 'vpmem') return svg('circle', { cx: x, cy: y, r: 4.5, class: `fill-${server}` });
  if (server === 'qemu') return svg('rect', { x: x - 4, y: y - 4, width: 8, height: 8, class: `fill-${server}` });
  return svg('path', { d: `M${x.toFixed(1)} ${(y - 5.5).toFixed(1)}l5.5 5.5l-5.5 5.5l-5.5 -5.5z`, class: `fill-${server}` });
}

/** One scale for all panels side by side, so that they can be compared. */
export function latencyScale(figures: readonly Figure[], top: number): LogScale {
  return logScale(figures.flatMap(({ medians }) => Object.values(medians)), [], top + HEIGHT, top);
}

/** Percentiles of one workload: a curve for each server, the numbers below it, and how they compare with QEMU's own. */
export function latencyPanel(figures: readonly Figure[], servers: readonly Server[], scale: LogScale, box: { x: number; y: number; width: number }): Drawn {
  const { x, y, width } = box;
  const left = x + AXIS;
  const column = (width - AXIS) / figures.length;
  const middle = (i: number): number => left + column * (i + 0.5);
  const grid = scale.ticks.flatMap((tick) => [svg('line', { x1: left, x2: x + width, y1: scale.at(tick), y2: scale.at(tick), class: 'grid' }), svgText(left - 6, scale.at(tick) + 4, 'small end', short(tick))]);
  const curves = servers.map((server) => svg('polyline', { points: figures.map(({ medians }, i) => `${middle(i).toFixed(1)},${scale.at(medians[server] ?? NaN).toFixed(1)}`).join(' '), class: `curve line-${server}` }));
  const points = servers.flatMap((server) => figures.map(({ medians }, i) => marker(server, middle(i), scale.at(medians[server] ?? NaN))));
  const below = y + HEIGHT + LINE;
  const heads = figures.map(({ measure }, i) => svgText(middle(i), below, 'small middle', `${measure} %`));
  const numbers = servers.flatMap((server, row) => [
    marker(server, left - 12, below + LINE * (row + 1) - 4),
    ...figures.map(({ medians }, i) => svgText(middle(i), below + LINE * (row + 1), `small middle text-${server}`, short(medians[server] ?? NaN))),
  ]);
  const compared = servers.filter((server) => server !== 'qemu');
  const ratioTop = below + LINE * (servers.length + 1);
  const ratioRows = compared.flatMap((server, row) => [
    svgText(left - 4, ratioTop + LINE * row, 'small end', 'ratio'),
    ...figures.map(({ ratios }, i) => svgText(middle(i), ratioTop + LINE * row, `small middle strong text-${server}`, (ratios.find(({ of, to }) => of === server && to === 'qemu')?.median ?? NaN).toFixed(2))),
  ]);
  const workload = svgText(x + width / 2 + AXIS / 2, y - 8, 'middle', figures[0]?.workload ?? '');
  return { elements: [workload, ...grid, ...curves, ...points, ...heads, ...numbers, ...ratioRows], height: HEIGHT + LINE * (servers.length + compared.length + 1) };
}

/** Rates as ratios: a dot for the median over rounds, a line between its quarters. */
export function ratioPanel(figures: readonly Figure[], box: { x: number; y: number; width: number }): Drawn {
  const { x, y, width } = box;
  const [left, right] = [x + 270, x + width - 170];
  const rows = figures.flatMap((figure) => figure.ratios.map((ratio, i) => ({ ratio, workload: i === 0 ? figure.workload : '' })));
  const scale = logScale(rows.flatMap(({ ratio }) => [ratio.median, ...ratio.quarters]), [0.9, 1, 1.1], left, right);
  const bottom = y + rows.length * LINE + 4;
  const axis = scale.ticks.flatMap((tick) => [svg('line', { x1: scale.at(tick), x2: scale.at(tick), y1: y, y2: bottom, class: 'grid' }), svgText(scale.at(tick), bottom + LINE - 2, 'small middle', tick.toFixed(tick < 2 ? 2 : 1))]);
  const one = svg('line', { x1: scale.at(1), x2: scale.at(1), y1: y, y2: bottom, class: 'one' });
  const lines = rows.flatMap(({ ratio, workload }, i) => {
    const at = y + LINE * (i + 0.5) + 2;
    const [lower, upper] = ratio.quarters;
    const name = ratio.to === 'qemu' ? '' : ` / ${NAMES[ratio.to]}`;
    return [
      ...(workload === '' ? [] : [svgText(left - 12, at + 4, 'small end', workload)]),
      svg('line', { x1: scale.at(lower), x2: scale.at(upper), y1: at, y2: at, class: `curve line-${ratio.of}` }),
      marker(ratio.of, scale.at(ratio.median), at),
      svgText(right + 12, at + 4, `small text-${ratio.of}`, `${ratio.median.toFixed(2)} ±${(ratio.spread * 100).toFixed(0)} %${name}`),
    ];
  });
  return { elements: [...axis, one, ...lines], height: bottom - y + LINE };
}
