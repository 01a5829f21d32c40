import type { FlushLatency } from '@vpmem/machine';
import { Registry, type Metric, type MetricType, type RegistryContentType } from 'prom-client';
import { DeviceLabels, LabelStore } from './device-labels.ts';
import { DEVICE_METRICS, type DeviceReading } from './device-metrics.ts';
import { flushBuckets } from './flush-buckets.ts';
import type { MetricDeclaration } from './metric-declaration.ts';
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

type AnyDeclaration = Pick<MetricDeclaration<never>, 'name' | 'help' | 'type'>;

/** A metric whose figures come from a reading. prom-client's own count by themselves; here that is done by the devices. */
class ReadMetric {
  /** The registry takes `_total` away from those of counters in OpenMetrics: there it is a suffix. */
  name: string;
  readonly declaration: AnyDeclaration;
  readonly type: MetricType | string;
  /** A line for each figure, with its end. */
  readonly #lines: string;

  constructor(declaration: AnyDeclaration, lines: string) {
    this.name = declaration.name;
    this.type = declaration.type;
    this.declaration = declaration;
    this.#lines = lines;
  }

  get text(): string {
    const { name, type, declaration: { help } } = this;
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}${this.#lines}`;
  }
}

/** prom-client takes the labels of each figure apart to write it, which was most of what a scrape of many devices took. The rest of a text is its. */
class ReadRegistry extends Registry<RegistryContentType> {
  /** What its `metrics()` asks for each metric; its types do not say so. */
  getMetricsAsString(metric: unknown): Promise<string> {
    return Promise.resolve((metric as ReadMetric).text);
  }
}

/** Writes readings of one machine as text. */
export class MetricsWriter {
  readonly #store = new LabelStore();

  async write({ machine, program, devices }: MachineReading, format: MetricsFormat): Promise<string> {
    const registry = new ReadRegistry();
    registry.setContentType(format);
    const add = (metric: ReadMetric): void => registry.registerMetric(metric as unknown as Metric);
    const named = machine === undefined ? {} : { machine };
    const labels = this.#store.of(deviceNames(devices).map((device) => ({ device, ...named })));
    for (const declaration of DEVICE_METRICS) add(readMetric(declaration, devices, labels));
    for (const declaration of PROGRAM_METRICS) add(readMetric(declaration, [program], [new DeviceLabels(declaration.name.startsWith('vpmem_') ? named : {})]));
    return registry.metrics();
  }
}

/** Ids, unless one goes by that of its backend, and another was given the same: whoever scrapes takes nothing where two are alike. */
function deviceNames(devices: readonly DeviceReading[]): string[] {
  const times = new Map<string, number>();
  for (const { info: { id } } of devices) times.set(id, (times.get(id) ?? 0) + 1);
  return devices.map(({ info: { id, path } }) => (times.get(id) === 1 || path.endsWith(`/peripheral/${id}`) ? id : path));
}

/** @param labels of each of `all` */
function readMetric<S>(declaration: MetricDeclaration<S>, all: readonly S[], labels: readonly DeviceLabels[]): ReadMetric {
  const parts: (string | number)[] = [];
  for (const [i, of] of all.entries()) addFigures(parts, declaration, of, labels[i] ?? new DeviceLabels({}));
  return new ReadMetric(declaration, parts.join(''));
}

/** Adds a line for each figure, in parts: put together one by one, thousands of lines take most of a scrape. */
function addFigures<S>(parts: (string | number)[], declaration: MetricDeclaration<S>, of: S, labels: DeviceLabels): void {
  const { name } = declaration;
  if (declaration.type === 'histogram') {
    const latency = declaration.read(of);
    if (latency !== undefined) addHistogram(parts, name, latency, labels);
    return;
  }
  const found = declaration.read(of);
  if (found === undefined) return;
  if (typeof found === 'number') parts.push(labels.start(name), found);
  else for (const { value, labels: own } of found) parts.push(labels.start(name, own), value);
}

function addHistogram(parts: (string | number)[], name: string, latency: FlushLatency, labels: DeviceLabels): void {
  const { counts, count, sum } = flushBuckets(latency);
  for (const [i, start] of labels.bucketStarts(name).entries()) parts.push(start, counts[i] ?? count);
  parts.push(labels.start(`${name}_sum`), sum, labels.start(`${name}_count`), count);
}
