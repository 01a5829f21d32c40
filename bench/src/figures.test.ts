import { expect, it } from 'vitest';
import { comparisonText } from './comparison-tables.ts';
import { figuresOf, pairsOf } from './figures.ts';
import { jsonReport } from './json-report.ts';
import { SAMPLE_BEGINNING, sampleComparison } from './sample-comparison.ts';

it('compares within a round, and takes the median over rounds', () => {
  const figures = figuresOf(sampleComparison());
  expect(figures).toHaveLength(6 + 4 * 4);
  const [rate] = figures;
  expect(rate).toMatchObject({ workload: 'ext4, write 4 KiB + fsync, 1 job', measure: 'rate', unit: 'flush/s', medians: { qemu: 8000 } });
  expect(rate?.ratios).toHaveLength(1);
  expect(rate?.ratios[0]?.median).toBeCloseTo(1 / 1.3);
  const quarter = figures.find(({ measure }) => measure === 25);
  expect(quarter).toMatchObject({ unit: 'µs', medians: { vpmem: 156, qemu: 120 } });
  expect(quarter?.ratios[0]).toMatchObject({ of: 'vpmem', to: 'qemu' });
  expect(quarter?.ratios[0]?.rounds.map((each) => each.toFixed(2))).toEqual(['1.20', '1.30', '1.70']);
  expect(quarter?.ratios[0]?.spread).toBeCloseTo((1.5 - 1.25) / 1.3 / 2);
});

it('compares each build with QEMU, and this one with the other', () => {
  expect(pairsOf(['vpmem', 'qemu'])).toEqual([['vpmem', 'qemu']]);
  expect(pairsOf(['vpmem', 'other', 'qemu'])).toEqual([['vpmem', 'qemu'], ['other', 'qemu'], ['vpmem', 'other']]);
  const figure = figuresOf(sampleComparison(['vpmem', 'other', 'qemu'])).find(({ measure }) => measure === 5);
  expect(figure?.ratios.map(({ median }) => median.toFixed(3))).toEqual(['1.300', '1.600', (1.3 / 1.6).toFixed(3)]);
});

it('shows rates, times and processor seconds, with the spread beside each ratio', () => {
  const text = comparisonText(sampleComparison());
  expect(text).toContain('| in memory: rates | vpmem | QEMU\'s own | unit | ratio (above 1: faster) |\n| --- | ---: | ---: | --- | ---: |\n| ext4, write 4 KiB + fsync, 1 job | 6,150 | 8,000 | flush/s | 0.77 ±8 % |');
  expect(text).toContain('| device, write 4 KiB + flush, 1 job | 25 % | 156 | 120 | 1.30 ±10 % |');
  expect(text).toContain('\n| vpmem | 1.10 | 2.00 | 3.10 | 1.55 ±2 % |\n| QEMU\'s own | 0.00 | 2.00 | 2.00 |  |\n');
  expect(text).toContain('vpmemd with one device, after this: 98 MiB (vpmem)');
});

it('has a column for each build and each pair', () => {
  const text = comparisonText(sampleComparison(['vpmem', 'other', 'qemu'], 'disk'));
  expect(text).toContain("| on disk: rates | vpmem | other build | QEMU's own | unit | vpmem / QEMU's own (above 1: faster) | other build / QEMU's own (above 1: faster) | vpmem / other build (above 1: faster) |");
  expect(text).toContain('\n| other build | 0.00 | 1.10 | 2.00 | 3.10 | 1.55 ±2 % |\n');
});

it('writes everything as JSON: version, surroundings, builds, raw rounds, figures', () => {
  const other = { ...SAMPLE_BEGINNING.build, folder: '/other' };
  const report = JSON.parse(JSON.stringify(jsonReport({ ...SAMPLE_BEGINNING, other }, { queue: { nanoseconds: 55 }, guest: [sampleComparison()] }))) as Record<string, never>;
  expect(report).toMatchObject({
    version: 1,
    begun: '2026-12-01T10:00:00.000Z',
    options: { rounds: 3 },
    host: { load: [0.1, 0.2, 0.3] },
    busy: false,
    builds: { vpmem: { folder: '/vpmem' }, other: { folder: '/other' } },
    parts: {
      queue: { nanoseconds: 55 },
      guest: [{
        medium: 'tmpfs',
        surroundings: { accelerator: 'tcg', kernel: '6.12.1' },
        processor: [{ order: ['vpmem', 'qemu'], seconds: { vpmem: { vpmem: 1, qemu: 2 } } }, {}, {}],
        figures: expect.arrayContaining([expect.objectContaining({ measure: 25, medians: { vpmem: 156, qemu: 120 } })]) as unknown,
      }],
    },
  });
  const [round, next] = (report as unknown as { parts: { guest: [{ workloads: [{ rounds: [unknown, unknown] }] }] } }).parts.guest[0].workloads[0].rounds;
  expect(round).toEqual({ order: ['vpmem', 'qemu'], results: { vpmem: { value: 8000 / 1.2, flushes: 8000, latency: { 5: 120, 25: 144, 50: 180, 99: 1080 } }, qemu: { value: 8000, flushes: 8000, latency: { 5: 100, 25: 120, 50: 150, 99: 900 } } } });
  expect(next).toMatchObject({ order: ['qemu', 'vpmem'] });
});
