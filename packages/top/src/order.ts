import { nameOf, type Entry } from './board.ts';
import { conditionOf } from './condition.ts';

/** What the list is sorted by. */
export const ORDERS = ['worst', 'p99', 'rate', 'name'] as const;
export type Order = (typeof ORDERS)[number];

/** Made once: that takes longer than a thousand comparisons. */
const collator = new Intl.Collator('en', { numeric: true });

type Compare = (one: Entry, other: Entry) => number;

const byRank: Compare = (one, other) => conditionOf(one).rank - conditionOf(other).rank;
const byP99: Compare = (one, other) => octave(other.device?.interval?.p99) - octave(one.device?.interval?.p99);
const byRate: Compare = (one, other) => octave(other.device?.interval?.asked) - octave(one.device?.interval?.asked);
const byName: Compare = (one, other) => collator.compare(labelOf(one), labelOf(other));

const COMPARES: Readonly<Record<Order, readonly Compare[]>> = {
  worst: [byRank, byP99, byRate, byName],
  p99: [byP99, byName],
  rate: [byRate, byName],
  name: [byName],
};

/** Sorted by what is worst, slowest, busiest or first in the alphabet. */
export function sorted(entries: readonly Entry[], order: Order): Entry[] {
  return [...entries].sort((one, other) => COMPARES[order].reduce((so, compare) => so || compare(one, other), 0));
}

/** `vm1/nv1`; the program alone where there is no device. */
export function labelOf({ daemon, device }: Pick<Entry, 'daemon' | 'device'>): string {
  return device === undefined ? nameOf(daemon) : `${nameOf(daemon)}/${device.info.id}`;
}

/** Figures that differ by less than half are alike, or rows would change places at every round. */
function octave(figure: number | undefined): number {
  return figure === undefined || figure < 1 ? 0 : 1 + Math.floor(Math.log2(figure));
}
