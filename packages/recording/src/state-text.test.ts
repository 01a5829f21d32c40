import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryImage, Model } from './testing.ts';
import { sampleModel } from '../tests/sample.ts';
import { chosenAt } from './chance.ts';
import { ImageBuilder } from './image-builder.ts';
import { Recording } from './recording.ts';
import { formatState, parseState, type RecordedState, type StateItem } from './state-text.ts';

it.each<[string, RecordedState['choice']]>([
  ['41', { kind: 'all' }],
  ['41:none', { kind: 'none' }],
  ['41:all', { kind: 'all' }],
  ['41:all@2', { kind: 'all', moment: 2 }],
  ['41:page:-3', { kind: '-', unit: 'page', items: [{ pages: [3, 3] }] }],
  ['41:page:+3,7-9@1', { kind: '+', unit: 'page', items: [{ pages: [3, 3] }, { pages: [7, 9], moment: 1 }] }],
  ['41:sector:-3.2', { kind: '-', unit: 'sector', items: [{ pages: [3, 3], units: [2, 2] }] }],
  ['41:line:+5,3.2-4@0', { kind: '+', unit: 'line', items: [{ pages: [3, 3], units: [2, 4], moment: 0 }, { pages: [5, 5] }] }],
  ['41:random:word:4294967295', { kind: 'random', unit: 'word', seed: 2 ** 32 - 1 }],
])('%s is read', (text, choice) => {
  expect(parseState(text)).toEqual({ window: { kind: 'flush', number: 41 }, choice });
});

it('names a cut, and the end', () => {
  expect(parseState('cut2:none').window).toEqual({ kind: 'cut', number: 2 });
  expect(parseState('end:none').window).toEqual({ kind: 'end', number: 0 });
});

it('writes what it means in one way', () => {
  expect(formatState(parseState('41'))).toBe('41:all');
  expect(formatState(parseState('41:page:+3,1,2,5@2,4@2,6'))).toBe('41:page:+1-3,4-5@2,6');
  expect(formatState(parseState('cut1:word:-3.4-6,3.1,3.2-3,3.9'))).toBe('cut1:word:-3.1-6,3.9');
});

it.each([
  ['', "state '': it begins with ''; that has to be a flush (41), a cut (cut1) or end"],
  ['0', "state '0': it begins with '0'; that has to be a flush (41), a cut (cut1) or end"],
  ['041', "state '041': it begins with '041'; that has to be a flush (41), a cut (cut1) or end"],
  ['41:', "state '41:': '' is none of none, all, all@MOMENT, page, sector, line, word, random"],
  ['41:byte:+1', "state '41:byte:+1': 'byte' is none of none, all, all@MOMENT, page, sector, line, word, random"],
  ['41:page', "state '41:page': after 'page:' comes + (only these) or - (all but these), and numbers"],
  ['41:page:3', "state '41:page:3': after 'page:' comes + (only these) or - (all but these), and numbers"],
  ['41:page:+', "state '41:page:+': '' is no item: write 3, 7-9, with @MOMENT behind it if you like"],
  ['41:page:+3.1', "state '41:page:+3.1': '3.1' is part of a page; write sector:, line: or word: for that"],
  ['41:sector:+3.', "state '41:sector:+3.': '3.' is no item: write 3, 7-9, 3.2, 3.2-4, with @MOMENT behind it if you like"],
  ['41:page:+0', "state '41:page:+0': '0': pages and their parts are counted from 1"],
  ['41:page:+4-3', "state '41:page:+4-3': '4-3' ends before it begins"],
  ['41:page:+1-4,3', "state '41:page:+1-4,3': '3' is named twice"],
  ['41:line:+3,3.2', "state '41:line:+3,3.2': '3.2' is named twice"],
  ['41:all:page', "state '41:all:page': nothing comes after 'all'"],
  ['41:page:+1:2', "state '41:page:+1:2': nothing comes after 'page:+1'"],
  ['41:random:page', "state '41:random:page': a seed is a number from 0 to 4294967295"],
  ['41:random:page:4294967296', "state '41:random:page:4294967296': a seed is a number from 0 to 4294967295"],
  ['41:random:7', "state '41:random:7': after 'random:' comes page, sector, line, word"],
  ['99999999999999999999', "state '99999999999999999999': 99999999999999999999 is too large"],
  [`41\n${'x'.repeat(100)}`, `state '41\ufffd${'x'.repeat(57)}…': it begins with '41\ufffd${'x'.repeat(57)}…'; that has to be a flush (41), a cut (cut1) or end`],
])('%j is refused', (text, message) => {
  expect(() => parseState(text)).toThrow(expect.objectContaining({ code: 'no-such-state', message }) as Error);
});

const number = fc.integer({ min: 1, max: 40 });
const moment = fc.option(fc.nat(3), { nil: undefined });
const item = fc.tuple(number, fc.nat(3), fc.option(fc.tuple(number, fc.nat(3)), { nil: undefined }), moment).map(([page, more, units, at]): StateItem => ({
  pages: [page, page + (units === undefined ? more : 0)],
  ...(units !== undefined && { units: [units[0], units[0] + units[1]] as const }),
  ...(at !== undefined && { moment: at }),
}));

it('reads back as it was written', () => {
  fc.assert(
    fc.property(fc.constantFrom('+' as const, '-' as const), fc.array(item, { minLength: 1, maxLength: 6 }), (kind, items) => {
      let text: string;
      try {
        text = formatState({ window: { kind: 'flush', number: 1 }, choice: { kind, unit: 'line', items } });
      } catch (error) {
        expect((error as Error).message).toMatch(/is named twice$/);
        return;
      }
      const again = parseState(text);
      expect(formatState(again)).toBe(text);
      // As many pages and parts of pages as there were.
      const size = (all: readonly StateItem[]): number => all.reduce((sum, { pages, units }) => sum + (units === undefined ? 100 * (1 + pages[1] - pages[0]) : 1 + units[1] - units[0]), 0);
      if (again.choice.kind !== kind) throw new Error(`${text} reads as ${again.choice.kind}`);
      expect([again.choice.unit, size(again.choice.items)]).toEqual(['line', size(items)]);
    }),
  );
});

it('a state that there is not says what there is, and changes nothing', () => {
  const model = sampleModel();
  model.end();
  const recording = Recording.of(model.bytes.file);
  const image = new MemoryImage(recording.size);
  const builder = new ImageBuilder(recording, image);
  builder.apply('2:page:+2');
  const before = image.bytes.slice();
  const refused = (text: string): string => {
    try {
      builder.apply(text);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  expect([
    refused('5'),
    refused('cut2'),
    refused('2:page:-4'),
    refused('2:page:+2-9'),
    refused('3:page:+4'),
    refused('2:sector:-1.3'),
    refused('2:line:-2.2'),
    refused('2:all@5'),
    refused('2:page:+1@9'),
    refused('1:all@2'),
  ]).toEqual([
    'there is no flush 5 in the recording; there is 4 of them, 1 to 4',
    'there is no cut 2 in the recording; there is only 1',
    'taken',
    "state '2:page:+2-9': flush 2 has 4 pages: 1 to 4",
    "state '3:page:+4': flush 3 has one page: 1",
    "state '2:sector:-1.3': page 1 of flush 2 has 2 changed sectors: 1 to 2",
    "state '2:line:-2.2': page 2 of flush 2 has one changed line: 1",
    "state '2:all@5': flush 2 has no moment 5; there is 0 (before it), 1 (tick), 2 (mark), 3 (flush), 4 (tick)",
    "state '2:page:+1@9': flush 2 has no moment 9; there is 0 (before it), 1 (tick), 2 (mark), 3 (flush), 4 (tick)",
    "state '1:all@2': flush 1 has no moment 2; there is 0 (before it), 1 (flush)",
  ]);
  builder.apply('2:page:+2');
  expect(Buffer.from(image.bytes).equals(before)).toBe(true);
});

it('the same seed spares what power_cut survivors=random spares', () => {
  // By survives() of memory-backend, seed 7: the first 48 sectors of a disk; and some words far behind.
  const spared = '011010011010011100111100010100011101100000001101';
  const size = 6 * 4096;
  const model = new Model(new Uint8Array(size));
  model.store(0, new Uint8Array(size).fill(1));
  model.ask();
  model.answer('ok');
  model.end();
  const recording = Recording.of(model.bytes.file);
  const image = new MemoryImage(size);
  new ImageBuilder(recording, image).apply('1:random:sector:7');
  expect(Array.from({ length: 48 }, (_, i) => image.bytes[512 * i]).join('')).toBe(spared);
  expect(Array.from({ length: 8 }, (_, i) => chosenAt(2 ** 32 - 1, 2 ** 33 + i, 1)).join('')).toBe('01011111');
});
