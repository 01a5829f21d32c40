import { describe, expect, it } from 'vitest';
import { TelnetFilter } from './telnet-filter.ts';

function filtered(...chunks: readonly number[][]): { text: string; answers: number[][]; filter: TelnetFilter } {
  const answers: number[][] = [];
  const filter = new TelnetFilter((bytes) => answers.push([...bytes]));
  return { text: Buffer.concat(chunks.map((chunk) => filter.receive(Buffer.from(chunk)))).toString('latin1'), answers, filter };
}
const [IAC, SE, SB, WILL, WONT, DO] = [255, 240, 250, 251, 252, 253] as const;
const ascii = (text: string): number[] => [...Buffer.from(text)];

describe('TelnetFilter', () => {
  it('takes out what a monitor says first, and answers the one question in it', () => {
    const { text, answers } = filtered([IAC, WILL, 1, IAC, WILL, 3, IAC, WILL, 0, IAC, DO, 0, ...ascii('hi')]);
    expect({ text, answers }).toEqual({ text: 'hi', answers: [[IAC, WILL, 0]] });
  });

  it('does so however the bytes are cut', () => {
    const whole = [...ascii('a'), IAC, DO, 24, ...ascii('b'), IAC, SB, 24, 1, IAC, SE, ...ascii('c'), IAC, IAC, IAC, 241, ...ascii('d')];
    const cut = filtered(...whole.map((byte) => [byte]));
    expect([cut.text, cut.answers]).toEqual(['abc\xffd', [[IAC, WONT, 24]]]);
    expect(filtered(whole).text).toBe(cut.text);
  });

  it('doubles a byte that would be a command, where telnet is spoken', () => {
    expect([...filtered([IAC, WILL, 1]).filter.send(Buffer.from([1, IAC]))]).toEqual([1, IAC, IAC]);
    expect([...filtered(ascii('plain')).filter.send(Buffer.from([1, IAC]))]).toEqual([1, IAC]);
  });
});
