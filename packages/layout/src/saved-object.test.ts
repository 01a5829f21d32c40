import { describe, expect, it } from 'vitest';
import { savedBytes, savedHex, SavedObject } from './saved-object.ts';

const saved = (members: unknown): SavedObject => new SavedObject(JSON.parse(JSON.stringify(members)), 'state');

describe('what was saved', () => {
  it('reads as it was written', () => {
    const state = saved({ a: 3, b: true, c: savedHex(2n ** 64n - 1n), d: savedBytes(Uint8Array.of(1, 255)), e: { f: 1 }, g: [{ h: 2 }], i: [1, 2], j: [''] });
    expect([state.number('a', 3), state.boolean('b'), state.hex('c'), [...state.bytes('d', 2)]]).toEqual([3, true, 2n ** 64n - 1n, [1, 255]]);
    expect([state.object('e').number('f', 1), state.objects('g', 1)[0]?.number('h', 2), state.numbers('i', 2, 2)]).toEqual([1, 2, [1, 2]]);
    expect([state.pieces('j', [0]).length, state.has('a'), state.has('z')]).toEqual([1, true, false]);
  });

  it.each<[string, unknown, (state: SavedObject) => unknown, string]>([
    ['a member that is not there', {}, (state) => state.number('a', 1), 'state.a: an integer is needed, not undefined'],
    ['a fraction', { a: 0.5 }, (state) => state.number('a', 1), 'state.a: an integer is needed, not 0.5'],
    ['a number out of range', { a: 2 }, (state) => state.number('a', 1), 'state.a: 2 is not from 0 to 1'],
    ['a negative one, in a list', { a: [-1] }, (state) => state.numbers('a', 1, 1), 'state.a[0]: -1 is not from 0 to 1'],
    ['no boolean', { a: 1 }, (state) => state.boolean('a'), 'state.a: true or false is needed, not 1'],
    ['a number of 65 bits', { a: '0x10000000000000000' }, (state) => state.hex('a'), 'state.a: a hexadecimal number of at most 64 bits is needed'],
    ['no base64', { a: '=a' }, (state) => state.bytes('a', 1), 'state.a: base64 is needed, not "=a"'],
    ['too few bytes', { a: 'AA==' }, (state) => state.bytes('a', 2), 'state.a: 2 bytes are needed, not 1'],
    ['a list of the wrong length', { a: [] }, (state) => state.objects('a', 1), 'state.a: a list of 1 is needed, not of 0'],
    ['no list', { a: {} }, (state) => state.pieces('a', [1]), 'state.a: a list is needed, not {}'],
    ['no object', { a: null }, (state) => state.object('a'), 'state.a: an object is needed, not null'],
    ['a list for an object', { a: [[]] }, (state) => state.objects('a', 1), 'state.a[0]: an object is needed, not []'],
  ])('%s is refused by name', (_, members, read, message) => {
    expect(() => read(saved(members))).toThrow(message);
  });
});
