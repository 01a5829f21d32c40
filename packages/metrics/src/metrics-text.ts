import { Registry, type Metric, type MetricType, type RegistryContentType } from 'prom-client';
import { DEVICE_METRICS, type DeviceReading } from './device-metrics.ts';
import { flushBuckets } from './flush-buckets.ts';
import type { Labels, MetricDeclaration } from './metric-declaration.ts';
import { PROGRAM_METRICS, type ProgramReading } from './program-metrics.ts';

/** How metrics can be written. */
export const METRICS_FORMATS = { openMetrics: Registry.OPENMETRICS_CONTENT_TYPE, prometheus: Registry.PROMETHEUS_CONTENT_TYPE } as const;

/** One of them, as an HTTP content type. */
export type MetricsFormat = (typeof METRICS_FORMATS)[keyof typeof METRICS_FORMATS];

/** All that is told at one moment. */
export interface MachineReading {
  /** What `-name` said. */
  readonly machine: string | undefined;
  readonly program: ProgramReading;
  readonly devices: readonly DeviceReading[];
}

/** A figure as the registry of prom-client writes it. Labels that many figures have are an object that they share: it is written once. */
interface Figure {
  readonly metricName?: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Labels;
}

/** A metric whose figures come from a reading. prom-client's own count by themselves; here that is done by the devices. */
class ReadMetric {
  /** The registry takes `_total` away from those of counters in OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: MetricType | string;
  readonly values: readonly Figure[];

  constructor({ name, help, type }: Pick<MetricDeclaration<never>, 'name' | 'help' | 'type'>, values: readonly Figure[]) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.values = values;
  }

  get(): Promise<this> {
    return Promise.resolve(this);
  }
}

/** Writes a reading as text. */
export async function metricsText({ machine, program, devices }: MachineReading, format: MetricsFormat): Promise<string> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(format);
  const add = (metric: ReadMetric): void => registry.registerMetric(metric as unknown as Metric);
  const named = machine === undefined ? {} : { machine };
  const owned = devices.map((device) => ({ device, shared: { device: labelOf(device, devices), ...named } }));
  for (const declaration of DEVICE_METRICS) add(new ReadMetric(declaration, owned.flatMap(({ device, shared }) => figures(declaration, device, shared))));
  for (const declaration of PROGRAM_METRICS) add(new ReadMetric(declaration, figures(declaration, program, declaration.name.startsWith('vpmem_') ? named : {})));
  return registry.metrics();
}

/** Its id, unless it goes by that of its backend, and another was given the same: whoever scrapes takes nothing where two are alike. */
function labelOf({ info: { id, path } }: DeviceReading, devices: readonly DeviceReading[]): string {
  const alike = devices.filter(({ info }) => info.id === id);
  return alike.length === 1 || path.endsWith(`/peripheral/${id}`) ? id : path;
}

function figures<S>(declaration: MetricDeclaration<S>, of: S, sharedLabels: Labels): Figure[] {
  if (declaration.type === 'histogram') {
    const latency = declaration.read(of);
    return latency === undefined ? [] : histogram(declaration.name, latency, sharedLabels);
  }
  const found = declaration.read(of);
  if (found === undefined) return [];
  if (typeof found === 'number') return [{ value: found, labels: {}, sharedLabels }];
  return found.map(({ value, labels }) => ({ value, labels, sharedLabels }));
}

function histogram(name: string, latency: Parameters<typeof flushBuckets>[0], sharedLabels: Labels): Figure[] {
  const { buckets, count, sum } = flushBuckets(latency);
  const metricName = `${name}_bucket`;
  return [
    ...buckets.map(({ le, count: value }) => ({ metricName, value, labels: { le }, sharedLabels })),
    { metricName, value: count, labels: { le: '+Inf' }, sharedLabels },
    { metricName: `${name}_sum`, value: sum, labels: {}, sharedLabels },
    { metricName: `${name}_count`, value: count, labels: {}, sharedLabels },
  ];
}
