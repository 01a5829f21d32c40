import type { FlushLatency } from '@vpmem/machine';
import { Registry, type Metric, type MetricType, type RegistryContentType } from 'prom-client';
import { DeviceLabels, LabelStore } from './device-labels.ts';
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

/** A figure as the registry of prom-client writes it. Of `sharedLabels` it remembers how each object is written. */
interface Figure {
  readonly metricName?: string;
  readonly value: number;
  readonly labels: Labels;
  readonly sharedLabels: Labels;
}

const NO_LABELS: Labels = {};

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

/** Writes readings of one machine as text. */
export class MetricsWriter {
  readonly #store = new LabelStore();

  async write({ machine, program, devices }: MachineReading, format: MetricsFormat): Promise<string> {
    const registry = new Registry<RegistryContentType>();
    registry.setContentType(format);
    const add = (metric: ReadMetric): void => registry.registerMetric(metric as unknown as Metric);
    const named = machine === undefined ? {} : { machine };
    const labels = this.#store.of(devices.map((device) => ({ device: labelOf(device, devices), ...named })));
    for (const declaration of DEVICE_METRICS) add(new ReadMetric(declaration, devices.flatMap((device, i) => figures(declaration, device, labels[i] ?? new DeviceLabels({})))));
    for (const declaration of PROGRAM_METRICS) add(new ReadMetric(declaration, figures(declaration, program, new DeviceLabels(declaration.name.startsWith('vpmem_') ? named : {}))));
    return registry.metrics();
  }
}

/** Its id, unless it goes by that of its backend, and another was given the same: whoever scrapes takes nothing where two are alike. */
function labelOf({ info: { id, path } }: DeviceReading, devices: readonly DeviceReading[]): string {
  const alike = devices.filter(({ info }) => info.id === id);
  return alike.length === 1 || path.endsWith(`/peripheral/${id}`) ? id : path;
}

function figures<S>(declaration: MetricDeclaration<S>, of: S, labels: DeviceLabels): Figure[] {
  if (declaration.type === 'histogram') {
    const latency = declaration.read(of);
    return latency === undefined ? [] : histogram(declaration.name, latency, labels);
  }
  const found = declaration.read(of);
  if (found === undefined) return [];
  if (typeof found === 'number') return [{ value: found, labels: NO_LABELS, sharedLabels: labels.plain }];
  return found.map(({ value, labels: own }) => ({ value, labels: NO_LABELS, sharedLabels: labels.with(own) }));
}

function histogram(name: string, latency: FlushLatency, labels: DeviceLabels): Figure[] {
  const { counts, count, sum } = flushBuckets(latency);
  const metricName = `${name}_bucket`;
  const figure = (suffix: string, value: number): Figure => ({ metricName: `${name}_${suffix}`, value, labels: NO_LABELS, sharedLabels: labels.plain });
  return [...labels.buckets.map((sharedLabels, i) => ({ metricName, value: counts[i] ?? count, labels: NO_LABELS, sharedLabels })), figure('sum', sum), figure('count', count)];
}
