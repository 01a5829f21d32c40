import { EDGES } from './flush-buckets.ts';
import type { Labels } from './metric-declaration.ts';

/**
 * Labels of one device, each set of them an object that stays the same from scrape to scrape: prom-client writes each object once, and
 * of what a scrape takes, most went into that.
 */
export class DeviceLabels {
  /** Those that tell of the device alone. */
  readonly plain: Labels;
  /** With the end of each bucket of a histogram, the last one among them. */
  readonly buckets: readonly Labels[];
  readonly #own = new Map<string, Labels>();

  constructor(plain: Labels) {
    this.plain = plain;
    this.buckets = [...EDGES, Infinity].map((le) => ({ le: le === Infinity ? '+Inf' : String(le), ...plain }));
  }

  /** With a metric's own. */
  with(own: Labels): Labels {
    const key = Object.values(own).join('\0');
    let labels = this.#own.get(key);
    if (labels === undefined || !Object.keys(own).every((name) => labels?.[name] === own[name])) this.#own.set(key, (labels = { ...own, ...this.plain }));
    return labels;
  }
}

/** Those of all devices. One that is gone is forgotten with the next scrape. */
export class LabelStore {
  #known = new Map<string, DeviceLabels>();

  /** In the order of `all`, which are labels of a device each. */
  of(all: readonly Labels[]): DeviceLabels[] {
    const known = new Map<string, DeviceLabels>();
    const found = all.map((plain) => {
      const key = JSON.stringify(plain);
      const labels = this.#known.get(key) ?? new DeviceLabels(plain);
      known.set(key, labels);
      return labels;
    });
    this.#known = known;
    return found;
  }
}
