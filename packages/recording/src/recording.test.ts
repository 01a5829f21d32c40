import fc from 'fast-check';
import { expect, it } from 'vitest';
import { imageOf, MemoryImage, Model } from './testing.ts';
import { PAGE_SIZE } from './file/file-header.ts';
import { ImageBuilder } from './image-builder.ts';
import { Recording } from './recording.ts';
import { StateReader } from './state-reader.ts';
import { formatState, parseState, type RecordedState } from './state-text.ts';
import type { StateUnit, WindowContents } from './window-contents.ts';

const PAGES = 6;

type Step =
  | { readonly do: 'store'; readonly at: number; readonly byte: number; readonly length: number }
  | { readonly do: 'moment'; readonly cause: 'tick' | 'mark' | 'again' }
  | { readonly do: 'flush'; readonly late: boolean; readonly status: 'ok' | 'failed' }
  | { readonly do: 'cut'; readonly mask: number; readonly inFlight: boolean };

const store = fc.record({ do: fc.constant('store' as const), at: fc.nat(PAGES * PAGE_SIZE - 1), byte: fc.nat(255), length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 9000 })) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: store },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('moment' as const), cause: fc.constantFrom('tick' as const, 'mark' as const, 'again' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const), late: fc.boolean(), status: fc.constantFrom('ok' as const, 'ok' as const, 'failed' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), mask: fc.nat(2 ** PAGES - 1), inFlight: fc.boolean() }) },
);

function perform(model: Model, steps: readonly Step[]): void {
  for (const [i, each] of steps.entries()) {
    switch (each.do) {
      case 'store':
        model.store(each.at, new Uint8Array(each.length).fill(each.byte));
        break;
      case 'moment':
        model.moment(each.cause);
        if (each.cause === 'mark') model.writer.mark(`mark ${i}`);
        break;
      case 'flush':
        model.ask();
        if (each.late) {
          model.store((i * 4000) % (PAGES * PAGE_SIZE), Uint8Array.of(i, i + 1));
          model.moment('tick');
        }
        model.answer(each.status);
        break;
      case 'cut':
        if (each.inFlight) model.ask();
        model.cut((page) => ((each.mask >> page) & 1) === 1, each.inFlight);
    }
  }
  model.end();
}

/** A state of a window that there is, by chance. */
function stateOf(contents: WindowContents, [kind, unit, numbers]: [string, StateUnit, number[]]): RecordedState {
  const { window, pages, moments } = contents;
  const [seed = 0, ...others] = numbers;
  if (kind === 'random') return { window, choice: { kind: 'random', unit, seed } };
  if (kind === 'all') return { window, choice: { kind: 'all', moment: seed % (moments.length + 1) } };
  if (kind === 'none' || pages.length === 0) return { window, choice: { kind: 'none' } };
  const places = [...new Set(others.map((each) => each % pages.length))];
  const items = places.map((place, i) => {
    const units = contents.units(place, unit);
    const first = 1 + (others[i]! % units.length);
    const moment = others[i]! % 3 === 0 ? others[i]! % (moments.length + 1) : undefined;
    const part = unit === 'page' || others[i]! % 5 === 0 ? {} : { units: [first, Math.min(units.length, first + (seed % 4))] as const };
    return { pages: [place + 1, place + 1] as const, ...part, ...(moment !== undefined && { moment }) };
  });
  return { window, choice: { kind: kind as '+' | '-', unit, items } };
}

const choice = fc.tuple(fc.constantFrom('none', 'all', '+', '-', '+', '-', 'random'), fc.constantFrom<StateUnit>('page', 'sector', 'line', 'word'), fc.array(fc.nat(2 ** 31), { minLength: 2, maxLength: 6 }));

it('the image of any state is what a model of whole copies says, whatever state the image had before, and so is what a reader reads of it', () => {
  fc.assert(
    fc.property(fc.array(store, { maxLength: 3 }), fc.array(step, { maxLength: 40 }), fc.array(fc.tuple(fc.nat(1000), choice), { maxLength: 12 }), (before, steps, picks) => {
      const base = new Uint8Array(PAGES * PAGE_SIZE);
      for (const { at, byte, length } of before) base.fill(byte, at, at + length);
      const model = new Model(base);
      perform(model, steps);
      const recording = Recording.of(model.bytes.file);
      expect(recording.complete).toBe(true);
      expect(recording.windows.map(({ kind, number }) => ({ kind, number }))).toEqual(model.windows.map(({ window }) => window));
      const image = new MemoryImage(base.length);
      const builder = new ImageBuilder(recording, image);
      const reader = new StateReader(recording);
      const check = (index: number, state: RecordedState): void => {
        builder.apply(formatState(state));
        const [offset, length] = [(97 * index) % base.length, 3 * PAGE_SIZE + index];
        expect(Buffer.from(reader.bytes(state).read(offset, length)).equals(Buffer.concat([image.bytes.subarray(offset), Buffer.alloc(length)]).subarray(0, length))).toBe(true);
        expect(builder.describe()).toBe(formatState(parseState(formatState(state))));
        if (!Buffer.from(image.bytes).equals(imageOf(state, model.windows[index]!))) throw new Error(`the image of ${formatState(state)} is not the model's`);
      };
      for (const [index, { window }] of model.windows.entries()) check(index, { window, choice: { kind: 'all' } });
      for (const [pick, which] of picks) {
        const index = pick % model.windows.length;
        check(index, stateOf(recording.contents(recording.windows[index]!), which));
      }
    }),
    { numRuns: 150 },
  );
});
