import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DEVICE_METRICS } from './device-metrics.ts';
import { metricsReference } from './metrics-reference.ts';
import { PROGRAM_METRICS } from './program-metrics.ts';

const PAGE = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));

// To make the table anew: `npx vitest run -u metrics-reference --config ../../vitest.config.ts` in packages/metrics.
it('docs/metrics.md has the table of what there is', async () => {
  const page = readFileSync(PAGE, 'utf8').replace(/^\| metric \|.*(?:\n\|.*)*/m, () => metricsReference());
  expect(page).toContain(metricsReference());
  await expect(page).toMatchFileSnapshot(PAGE);
});

const ALL = [...DEVICE_METRICS, ...PROGRAM_METRICS];

it('has each name once', () => {
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
});

it.each(ALL.map(({ name, type }) => [name, type] as const))('%s is named as a %s is', (name, type) => {
  expect(name).toMatch(/^(?:vpmem|process)_[a-z_]+$/);
  expect(name.endsWith('_total')).toBe(type === 'counter');
  if (type === 'histogram') expect(name).toMatch(/_seconds$/);
});
