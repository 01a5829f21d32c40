import { describe, expect, it } from 'vitest';
import { passedAddress } from './passed-address.ts';

const addr = passedAddress('where');
const given = (value: string | number) => ({ form: 'json', properties: { addr: value } }) as const;

describe('passedAddress', () => {
  it.each(['0', '5', '05.0', '0x1f', '1F.7', '005', ' 5.01', '0x1.0x2', '1.0X7'])('%j goes on as it is', (text) => {
    expect(addr.read(given(text), 'addr')).toBe(text);
  });

  it.each(['', '20', '5.8', '5.', '.1', 'zz', '-1', '0:5.0', '5 ', '5.0x', '5.0x8', '0x', '5.1.1', '105'])('%j is no place on a bus', (text) => {
    expect(() => addr.read(given(text), 'addr')).toThrow(
      expect.objectContaining({
        code: 'invalid-value',
        parameter: 'addr',
        message: `Parameter 'addr' expects a slot from 0 to 1f and a function from 0 to 7, not '${text}'`,
        hint: expect.stringContaining('addr=05.0') as string,
      }),
    );
  });

  it.each<[number, string | undefined]>([[0, '00.0'], [40, '05.0'], [80, '0a.0'], [41, '05.1'], [255, '1f.7'], [-1, undefined]])('in JSON %d is %s', (place, text) => {
    expect(addr.read(given(place), 'addr')).toBe(text);
  });

  it.each([256, -2, 1e9])('in JSON %d is no place on a bus', (place) => {
    expect(() => addr.read(given(place), 'addr')).toThrow(expect.objectContaining({ code: 'out-of-range', parameter: 'addr' }));
  });

  it('may be absent, and is a string', () => {
    expect(addr.read({ form: 'json', properties: {} }, 'addr')).toBeUndefined();
    expect(() => addr.read({ form: 'json', properties: { addr: true } }, 'addr')).toThrow(expect.objectContaining({ code: 'wrong-type' }));
    expect([addr.type, addr.description]).toEqual(['string', 'where']);
  });
});
