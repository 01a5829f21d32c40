import { describe, expect, it } from 'vitest';
import { savedBytes, savedHex, SavedObject } from './saved-object.ts';

const saved = (members: unknown): SavedObject => new SavedObject(JSON.parse(JSON.stringify(members)), 'state');

describe('what was saved', () => {
  it('reads as it was written', () => {
    const state = saved({ a: 3, b: true, c: savedHex(2n ** 64n - 1n), d: savedBytes(Uint8Array.of(1, 255)), e: { f: 1 }, g: [{ h: 2 }], i: [1, 2], j: [''], k: 'y', l: savedHex(4096) });
    expect([state.number('a', 3), state.boolean('b'), state.hex('c'), [...state.bytes('d', 2)]]).toEqual([3, true, 2n ** 64n - 1n, [1, 255]]);
    expect([state.object('e').number('f', 1), state.objects('g', 1)[0]?.number('h', 2), state.numbers('i', 2, 2)]).toEqual([1, 2, [1, 2]]);
    expect([state.pieces('j', [0]).length, state.has('a'), state.has('z')]).toEqual([1, true, false]);
    expect([state.raw('b'), state.numbers('i').length, state.objects('g').length, state.bytes('d').length, state.real('a'), state.word('k', ['x', 'y']), state.text('k')]).toEqual([true, 2, 1, 2, 3, 'y', 'y']);
    expect([state.optional('z', (name) => state.text(name)), state.optional('k', (name) => state.text(name)), state.address('l')]).toEqual([undefined, 'y', 4096]);
  });

  it.each<[string, unknown, (state: SavedObject) => unknown, string]>([
    ['a member that is not there', {}, (state) => state.number('a', 1), 'state.a is missing; it has to be a whole number from 0 to 1'],
    ['one that only every object has', {}, (state) => state.object('constructor'), 'state.constructor is missing; it has to be an object'],
    ['a fraction', { a: 0.5 }, (state) => state.number('a', 1), 'state.a is 0.5; it has to be a whole number from 0 to 1'],
    ['a number out of range', { a: 2 }, (state) => state.number('a', 1), 'state.a is 2; it has to be a whole number from 0 to 1'],
    ['a number below it', { a: 0 }, (state) => state.number('a', 3, 1), 'state.a is 0; it has to be a whole number from 1 to 3'],
    ['a negative one, in a list', { a: [-1] }, (state) => state.numbers('a', 1, 1), 'state.a[0] is -1; it has to be a whole number from 0 to 1'],
    ['no number', { a: '1.5' }, (state) => state.real('a', 0, 2), 'state.a is "1.5"; it has to be a number from 0 to 2'],
    ['no boolean', { a: 1 }, (state) => state.boolean('a'), 'state.a is 1; it has to be true or false'],
    ['no text', { a: 1 }, (state) => state.text('a'), 'state.a is 1; it has to be a text'],
    ['another word', { a: 'none' }, (state) => state.word('a', ['all', 'some']), 'state.a is "none"; it has to be one of all, some'],
    ['a number of 65 bits', { a: '0x10000000000000000' }, (state) => state.hex('a'), 'state.a is "0x10000000000000000"; it has to be a hexadecimal number of at most 64 bits in quotes, such as "0x1000"'],
    ['an address of 54 bits', { a: '0x20000000000000' }, (state) => state.address('a'), 'state.a is "0x20000000000000"; it has to be below 2^53'],
    ['no base64', { a: '=a' }, (state) => state.bytes('a'), 'state.a is "=a"; it has to be bytes in base64'],
    ['too few bytes', { a: 'AA==' }, (state) => state.bytes('a', 2), 'state.a is "AA=="; it has to be 2 bytes in base64'],
    ['a list of the wrong length', { a: [] }, (state) => state.objects('a', 1), 'state.a is []; it has to be a list of 1'],
    ['no list', { a: {} }, (state) => state.pieces('a', [1]), 'state.a is {}; it has to be a list of 1'],
    ['no list of any length', { a: {} }, (state) => state.numbers('a'), 'state.a is {}; it has to be a list'],
    ['no object', { a: null }, (state) => state.object('a'), 'state.a is null; it has to be an object'],
    ['a list for an object', { a: [[]] }, (state) => state.objects('a', 1), 'state.a[0] is []; it has to be an object'],
    ['what is long, of which the beginning is told', { a: 'x'.repeat(100) }, (state) => state.boolean('a'), `state.a is "${'x'.repeat(59)}…; it has to be true or false`],
  ])('%s is refused by name', (_, members, read, message) => {
    expect(() => read(saved(members))).toThrow(message);
  });
});
