// Whatever is shipped beside the program names metrics that there are, and labels that they have.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DEVICE_METRICS } from './device-metrics.ts';
import { PROGRAM_METRICS } from './program-metrics.ts';

const file = (path: string): string => readFileSync(fileURLToPath(new URL(`./${path}`, import.meta.url)), 'utf8');

/** Names of time series. */
const SERIES = new Set([...DEVICE_METRICS, ...PROGRAM_METRICS].flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])));
const LABELS = new Set(['device', 'machine', 'instance', 'job', 'le', 'name', ...[...DEVICE_METRICS, ...PROGRAM_METRICS].flatMap(({ labels = [] }) => labels)]);

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
}
const dashboard = JSON.parse(file('grafana/vpmem.json')) as Dashboard;
const expressions: (readonly [string, string])[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.templating.list.flatMap(({ definition }) => (definition === undefined ? [] : [['a variable', definition] as const])),
  ...[...file('prometheus/vpmem.rules.yml').matchAll(/alert: (\w+)\n\s+expr: (.*)/g)].map(([, alert = '', expr = '']) => [alert, expr] as const),
];

it('there are expressions of all kinds', () => {
  expect(expressions.length).toBeGreaterThan(30);
  expect(expressions.filter(([where]) => where.startsWith('Vpmem'))).toHaveLength(8);
});

it.each(expressions)('%s: %s', (_, expression) => {
  expect([...expression.matchAll(/\b(?:vpmem|process)_\w+/g)].map(([name]) => name).filter((name) => !SERIES.has(name))).toEqual([]);
  expect([...expression.matchAll(/[{,(]\s*(\w+)\s*=~?"/g)].map(([, label = '']) => label).filter((label) => !LABELS.has(label))).toEqual([]);
});

it('every alert is named in the documentation', () => {
  const page = file('../../../docs/metrics.md');
  const alerts = [...file('prometheus/vpmem.rules.yml').matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
  expect(alerts.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
