import { METRICS_FORMATS, type MetricsFormat } from './metrics-text.ts';

const KNOWN: readonly { readonly range: RegExp; readonly format: MetricsFormat }[] = [
  { range: /^application\/openmetrics-text$/, format: METRICS_FORMATS.openMetrics },
  { range: /^(?:text\/plain|text\/\*|\*\/\*)$/, format: METRICS_FORMATS.prometheus },
];

/** What a client wants most of what there is, by its Accept header; the text of Prometheus if it does not say, or wants something else. */
export function acceptedFormat(accept = ''): MetricsFormat {
  let best = { quality: 0, format: METRICS_FORMATS.prometheus as MetricsFormat };
  for (const part of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = part.split(';').map((each) => each.trim());
    const known = KNOWN.find((each) => each.range.test(range));
    const [, given = '1'] = /^q=([\d.]+)$/.exec(parameters.find((each) => each.startsWith('q=')) ?? '') ?? [];
    if (known !== undefined && Number(given) > best.quality) best = { quality: Number(given), format: known.format };
  }
  return best.format;
}
