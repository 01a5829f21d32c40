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

/** Labels of one device, written. */
export class DeviceLabels {
  /** Those that tell of the device alone. */
  readonly plain: string;
  /** With the end of each bucket of a histogram, the last one among them. */
  readonly buckets: readonly string[];
  readonly #labels: Labels;
  readonly #written = new Map<string, string>();

  constructor(labels: Labels) {
    this.#labels = labels;
    this.plain = writeLabels(labels);
    this.buckets = [...EDGES.map(String), '+Inf'].map((le) => this.with({ le }));
  }

  /** With a metric's own. */
  with(own: Labels): string {
    let key = '';
    for (const name in own) key += `${name}=${own[name] ?? ''}\0`;
    let written = this.#written.get(key);
    if (written === undefined) this.#written.set(key, (written = writeLabels({ ...own, ...this.#labels })));
    return written;
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
