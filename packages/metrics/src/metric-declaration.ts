import type { FlushLatency } from '@vpmem/machine';

/** Names of labels, and their values before they are escaped. */
export type Labels = Readonly<Record<string, string>>;

/** One figure of a metric, and what its own labels say. */
export interface Reading {
  readonly value: number;
  readonly labels: Labels;
}

/** A metric, read from `S`. Its name, help and labels are what docs/metrics.md says of it. */
export type MetricDeclaration<S> = {
  /** With its unit, in base units, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  /** Its own labels, beside those that tell of which device it is. */
  readonly labels?: readonly string[];
} & (
  | {
      readonly type: 'counter' | 'gauge';
      /** Undefined or nothing where it is not known, or there is no such thing: then there is no figure. */
      readonly read: (of: S) => number | undefined | readonly Reading[];
    }
  | { readonly type: 'histogram'; readonly read: (of: S) => FlushLatency | undefined }
);

/** A figure for each value of a label. */
export function byLabel(label: string, figures: Readonly<Record<string, number>>): Reading[] {
  return Object.entries(figures).map(([value, figure]) => ({ labels: { [label]: value }, value: figure }));
}
