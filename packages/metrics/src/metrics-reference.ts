import { DEVICE_METRICS } from './device-metrics.ts';
import { PROGRAM_METRICS } from './program-metrics.ts';

/** The table of docs/metrics.md, in Markdown. */
export function metricsReference(): string {
  const row = ({ name, type, help, labels = [] }: (typeof DEVICE_METRICS)[number] | (typeof PROGRAM_METRICS)[number], own: readonly string[]): string => {
    const all = [...own, ...labels].map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${all} | ${help.replaceAll('|', '\\|')} |`;
  };
  return [
    '| metric | type | labels | what it is |',
    '| --- | --- | --- | --- |',
    ...DEVICE_METRICS.map((metric) => row(metric, ['device'])),
    ...PROGRAM_METRICS.map((metric) => row(metric, [])),
  ].join('\n');
}
