import { UNIT_BYTES, type RecordedState, type StateItem, type StateUnit } from '@vpmem/recording';
import type { Sketch, WindowVersions } from '../plan/window-versions.ts';

/** One unit of a page that is not as it is in the state to compare with, but as it was at a moment. */
export interface Deviation {
  /** The page's in the window. */
  readonly place: number;
  readonly unit: StateUnit;
  /** In its page, from the page's start. */
  readonly number: number;
  readonly moment: number;
}

/** `lost`: compared with all of the window. `only`: with nothing of it. */
export type DeviationKind = 'lost' | 'only';

/** The moment at which all of the disk is that is compared with. */
export function baseMoment({ contents }: WindowVersions, kind: DeviationKind): number {
  return kind === 'lost' ? contents.target : 0;
}

/** Where a state is not as all, or none, of its window: a group for each page. */
export function deviations(versions: WindowVersions, { selection }: Sketch, kind: DeviationKind): readonly (readonly Deviation[])[] {
  const base = baseMoment(versions, kind);
  const groups: Deviation[][] = [];
  for (let place = 0; place < versions.length; place++) {
    const { unit, moment, units } = selection(place);
    const parts = units === undefined ? [{ place, unit: 'page' as const, number: 0, moment }] : versions.contents.units(place, unit).map((number) => ({ place, unit, number, moment: units.get(number) ?? moment }));
    const apart = parts.filter((part) => !versions.isSame(part, base));
    if (apart.length > 0) groups.push(apart);
  }
  return groups;
}

/** The same deviations, a group for each of their units of a size. */
export function splitInto(versions: WindowVersions, groups: readonly (readonly Deviation[])[], unit: StateUnit, kind: DeviationKind): readonly (readonly Deviation[])[] {
  const split = new Map<string, Deviation[]>();
  for (const deviation of groups.flat().flatMap((each) => inUnits(versions, each, unit, kind))) {
    const name = `${deviation.place} ${Math.floor((deviation.number * UNIT_BYTES[deviation.unit]) / UNIT_BYTES[unit])}`;
    const known = split.get(name);
    if (known === undefined) split.set(name, [deviation]);
    else known.push(deviation);
  }
  return [...split.values()];
}

/** The state that deviates so. */
export function deviatingState(versions: WindowVersions, all: readonly Deviation[], kind: DeviationKind): RecordedState {
  const { window } = versions.contents;
  if (all.length === 0) return { window, choice: { kind: kind === 'lost' ? 'all' : 'none' } };
  const unit = finest(all);
  const usual = kind === 'lost' ? 0 : versions.contents.target;
  const items: StateItem[] = [];
  for (const [place, parts] of byPlace(all.flatMap((each) => (each.unit === 'page' ? [each] : inUnits(versions, each, unit, kind))))) {
    const pages = [place + 1, place + 1] as const;
    for (const { number, moment, unit: own } of wholeIfAll(versions, place, parts, kind)) {
      const ordinal = versions.contents.units(place, unit).indexOf(number) + 1;
      items.push({ pages, ...(own !== 'page' && { units: [ordinal, ordinal] as const }), ...(moment !== usual && { moment }) });
    }
  }
  const isWhole = items.every(({ units }) => units === undefined);
  return { window, choice: { kind: kind === 'lost' ? '-' : '+', unit: isWhole ? 'page' : unit, items } };
}

/** One deviation, in smaller units as far as they deviate; or as it is, if it is no larger. */
function inUnits(versions: WindowVersions, deviation: Deviation, unit: StateUnit, kind: DeviationKind): readonly Deviation[] {
  const { place, number, moment } = deviation;
  if (UNIT_BYTES[deviation.unit] <= UNIT_BYTES[unit]) return [deviation];
  const parts = UNIT_BYTES[deviation.unit] / UNIT_BYTES[unit];
  const base = baseMoment(versions, kind);
  return versions.contents.units(place, unit)
    .filter((part) => part >= number * parts && part < (number + 1) * parts)
    .map((part): Deviation => ({ place, unit, number: part, moment }))
    .filter((part) => !versions.isSame(part, base));
}

/** The page as one, if all of it that can deviate does, at one moment. */
function wholeIfAll(versions: WindowVersions, place: number, parts: readonly Deviation[], kind: DeviationKind): readonly Deviation[] {
  const [first] = parts;
  if (first === undefined || first.unit === 'page' || parts.some(({ moment }) => moment !== first.moment)) return parts;
  const whole: Deviation = { place, unit: 'page', number: 0, moment: first.moment };
  return inUnits(versions, whole, first.unit, kind).length === parts.length ? [whole] : parts;
}

function byPlace(all: readonly Deviation[]): Map<number, Deviation[]> {
  const places = new Map<number, Deviation[]>();
  for (const each of all) places.set(each.place, [...(places.get(each.place) ?? []), each]);
  return places;
}

function finest(all: readonly Deviation[]): StateUnit {
  return all.reduce<StateUnit>((least, { unit }) => (UNIT_BYTES[unit] < UNIT_BYTES[least] ? unit : least), 'page');
}
