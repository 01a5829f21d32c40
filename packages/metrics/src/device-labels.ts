import { EDGES } from './flush-buckets.ts';
import type { Labels } from './metric-declaration.ts';

/** Labels as they stand behind a name: `{device="nv1"}`; empty where there are none. */
export function writeLabels(labels: Labels): string {
  const inner = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`).join(',');
  return inner === '' ? '' : `{${inner}}`;
}

const SPECIAL = /[\\\n"]/;

function escape(value: string): string {
  return !SPECIAL.test(value) ? value : value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

const NONE: Labels = {};

/** Labels of one device. What is written of them is written once, as a scrape has thousands of figures. */
export class DeviceLabels {
  readonly #labels: Labels;
  /** By the name of a metric, then by the values of its own labels. */
  readonly #starts = new Map<string, Map<string, string>>();
  readonly #bucketStarts = new Map<string, readonly string[]>();

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  /** What stands before a figure, with the line break before it. @param own labels of the metric */
  start(name: string, own = NONE): string {
    let starts = this.#starts.get(name);
    if (starts === undefined) this.#starts.set(name, (starts = new Map<string, string>()));
    let key = '';
    for (const label in own) key = key === '' ? (own[label] ?? '') : `${key}\0${own[label] ?? ''}`;
    let start = starts.get(key);
    if (start === undefined) starts.set(key, (start = this.#write(name, own)));
    return start;
  }

  /** The same for each bucket of a histogram, the last one among them. */
  bucketStarts(name: string): readonly string[] {
    let starts = this.#bucketStarts.get(name);
    if (starts === undefined) this.#bucketStarts.set(name, (starts = [...EDGES.map(String), '+Inf'].map((le) => this.#write(`${name}_bucket`, { le }))));
    return starts;
  }

  #write(name: string, own: Labels): string {
    return ['\n', name, writeLabels({ ...own, ...this.#labels }), ' '].join('');
  }
}

/** Those of all devices, written once for all scrapes. One that is gone is forgotten with the next. */
export class LabelStore {
  #known = new Map<string, DeviceLabels>();

  /** In the order of `all`, which are labels of a device each. */
  of(all: readonly Labels[]): DeviceLabels[] {
    const known = new Map<string, DeviceLabels>();
    const found = all.map((labels) => {
      const key = writeLabels(labels);
      const written = this.#known.get(key) ?? new DeviceLabels(labels);
      known.set(key, written);
      return written;
    });
    this.#known = known;
    return found;
  }
}
