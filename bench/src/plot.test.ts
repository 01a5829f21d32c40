import { expect, it } from 'vitest';
import { logScale } from './log-scale.ts';
import { drawPlot } from './plot.ts';
import { SAMPLE_BEGINNING, sampleComparison } from './sample-comparison.ts';

it('gives each factor the same room, either way round', () => {
  const scale = logScale([100, 1000], [], 200, 0);
  expect(scale.at(100) - scale.at(200)).toBeCloseTo(scale.at(400) - scale.at(800));
  expect(scale.at(100)).toBeGreaterThan(scale.at(1000));
  expect(scale.ticks).toEqual([100, 200, 500, 1000]);
});

it('has room for a mark that nothing was measured at, and none for what is no number', () => {
  const scale = logScale([2, NaN], [1, 1.1], 0, 100);
  expect(scale.at(1)).toBeGreaterThan(0);
  expect(scale.at(2)).toBeLessThan(100);
  expect(logScale([], [], 0, 1).ticks.length).toBeGreaterThan(0);
  expect(logScale([1.01], [0.9, 1, 1.1], 0, 1).ticks).toContain(1);
});

it('shows what the tables show', () => {
  const plot = drawPlot([sampleComparison(), sampleComparison(['vpmem', 'qemu'], 'disk')], SAMPLE_BEGINNING);
  const texts = [...plot.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  // Percentiles in µs of the four workloads on both media, and their ratios.
  for (const [text, times] of [['156', 8], ['120', 8], ['5 %', 8], ['99 %', 8], ['1.30', 32], ['0.77 ±8 %', 12]] as const) expect(texts.filter((each) => each === text), text).toHaveLength(times);
  expect(texts).toContain('Guest: Linux 6.12.1, 1 processor (Virtual &#38; &#60;Co&#62;), QEMU 11.1.3');
  expect(texts).toContain('Accelerator: TCG, because KVM does not work here');
  expect(texts.filter((text) => text?.startsWith('Files on disk'))).toHaveLength(2);
  expect(plot).not.toMatch(/NaN|undefined|Infinity/);
});

it('puts points where the scale has them: 1.3 times as long is as far for every percentile', () => {
  const [light] = drawPlot([sampleComparison()], SAMPLE_BEGINNING).split('@media');
  expect(light).toBeDefined();
  const curve = (server: string): number[][] => [...drawPlot([sampleComparison()], SAMPLE_BEGINNING).matchAll(new RegExp(`points="([^"]*)" class="curve line-${server}"`, 'g'))].map(([, points]) => (points ?? '').split(' ').map((point) => Number(point.split(',')[1])));
  const [own, theirs] = [curve('vpmem'), curve('qemu')];
  expect(own).toHaveLength(4);
  const gaps = own.flatMap((points, panel) => points.map((y, i) => (theirs[panel]?.[i] ?? NaN) - y));
  expect(gaps).toHaveLength(16);
  for (const gap of gaps) expect(gap).toBeCloseTo(gaps[0] ?? NaN, 0);
  expect(gaps[0]).toBeGreaterThan(3);
});

it('tells a third series apart by colour, sign and name', () => {
  const plot = drawPlot([sampleComparison(['vpmem', 'other', 'qemu'])], SAMPLE_BEGINNING);
  expect(plot.match(/<polyline/g)).toHaveLength(12);
  expect(plot).toContain('>other build<');
  expect(plot).toContain('>1.23 ±1 % / other build<');
});

it('has colours for light and dark, and asks for nothing beside it', () => {
  const plot = drawPlot([sampleComparison()], SAMPLE_BEGINNING);
  expect(plot).toContain('@media (prefers-color-scheme:dark){.back{fill:#0d1117}');
  expect(plot.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href/);
});
