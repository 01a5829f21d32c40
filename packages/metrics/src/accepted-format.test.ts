import { expect, it } from 'vitest';
import { acceptedFormat } from './accepted-format.ts';
import { METRICS_FORMATS } from './metrics-text.ts';

it.each([
  [undefined, 'prometheus'],
  ['', 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html', 'prometheus'],
  ['application/openmetrics-text', 'openMetrics'],
  ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2', 'openMetrics'],
  ['application/openmetrics-text; q=0.2, text/plain;q=0.9', 'prometheus'],
  // What Prometheus 3 says.
  ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1', 'openMetrics'],
  [`${';'.repeat(1000)},q=,,;q=..`, 'prometheus'],
] as const)('%s', (accept, format) => {
  expect(acceptedFormat(accept)).toBe(METRICS_FORMATS[format]);
});
