import type { AccessWidth } from '@vpmem/layout';
import type { Bar, PciFunction, PciHost } from '@vpmem/pci';
import { VirtioPciCommonCfg } from '../common-config.ts';
import { COMMON_AT, DEVICE_AT, ISR_AT, NOTIFY_AT, PAGE } from '../function-layout.ts';

/** Where an access went: configuration space, a BAR, or a part of BAR 0. */
export type WatchedPlace = 'config' | 'common' | 'isr' | 'device' | 'notify' | `bar ${number}`;

/** One access of a driver. */
export interface WatchedAccess {
  readonly kind: 'read' | 'write';
  readonly place: WatchedPlace;
  /** Within the place. */
  readonly offset: number;
  readonly width: AccessWidth;
  readonly value: number;
  /** The register of the common configuration that begins there. */
  readonly register: string | undefined;
}

/** What a driver is to read in place of what the function says. */
export type Falsify = (access: Omit<WatchedAccess, 'kind'>) => number;

const PLACES = new Map<number, WatchedPlace>([[COMMON_AT, 'common'], [ISR_AT, 'isr'], [DEVICE_AT, 'device'], [NOTIFY_AT, 'notify']]);
const FIELDS = Object.entries(VirtioPciCommonCfg.fields);

/** A function of `VirtioPciFunction`'s layout, with somebody who writes down what its driver does and may lie to it. */
export class WatchedFunction implements PciFunction {
  readonly configSize: number;
  readonly bars: readonly (Bar | undefined)[];
  readonly msixVectors: number;
  readonly intx: boolean;
  readonly log: WatchedAccess[] = [];
  falsify: Falsify | undefined;
  readonly #inner: PciFunction;

  constructor(inner: PciFunction, falsify?: Falsify) {
    this.#inner = inner;
    this.falsify = falsify;
    this.configSize = inner.configSize;
    this.msixVectors = inner.msixVectors;
    this.intx = inner.intx;
    this.bars = inner.bars.map((bar, index) => bar && this.#watch(bar, index));
  }

  /** Accesses to one place, or to one register of the common configuration. */
  of(where: string, kind?: WatchedAccess['kind']): WatchedAccess[] {
    return this.log.filter((access) => (access.place === where || access.register === where) && (kind === undefined || access.kind === kind));
  }

  readConfig(offset: number, width: AccessWidth): number {
    return this.#read('config', offset, width, this.#inner.readConfig(offset, width));
  }
  writeConfig(offset: number, width: AccessWidth, value: number): void {
    this.#write('config', offset, width, value);
    this.#inner.writeConfig(offset, width, value);
  }
  attach(host: PciHost): void {
    this.#inner.attach(host);
  }
  detach(): void {
    this.#inner.detach();
  }
  reset(): void {
    this.#inner.reset();
  }

  #watch(bar: Bar, index: number): Bar {
    const place = (offset: number): [WatchedPlace, number] =>
      index === 0 ? [PLACES.get(offset - (offset % PAGE)) ?? 'bar 0', offset % PAGE] : [`bar ${index}`, offset];
    return {
      ...bar,
      read: (offset, width) => this.#read(...place(offset), width, bar.read(offset, width)),
      write: (offset, width, value) => {
        this.#write(...place(offset), width, value);
        bar.write(offset, width, value);
      },
    };
  }

  #read(place: WatchedPlace, offset: number, width: AccessWidth, truth: number): number {
    const register = registerAt(place, offset);
    const value = this.falsify?.({ place, offset, width, value: truth, register }) ?? truth;
    this.log.push({ kind: 'read', place, offset, width, value, register });
    return value;
  }

  #write(place: WatchedPlace, offset: number, width: AccessWidth, value: number): void {
    this.log.push({ kind: 'write', place, offset, width, value, register: registerAt(place, offset) });
  }
}

/** Its name; the high half of one of 64 bits is `name + 4`. */
function registerAt(place: WatchedPlace, offset: number): string | undefined {
  if (place !== 'common') return undefined;
  const [name, field] = FIELDS.find(([, each]) => offset === each.offset || (each.size === 8 && offset === each.offset + 4)) ?? [];
  return name === undefined || field === undefined ? undefined : offset === field.offset ? name : `${name} + 4`;
}
