import { describe, expect, it } from 'vitest';
import { TELNET_GREETING, TelnetDecoder } from './telnet.ts';

const decode = (...chunks: string[]): string => {
  const decoder = new TelnetDecoder();
  return chunks.map((chunk) => decoder.decode(Buffer.from(chunk, 'latin1')).toString('latin1')).join('');
};

describe('telnet', () => {
  it('greets as QEMU 11.1 does', () => {
    expect(TELNET_GREETING.toString('hex')).toBe('fffb01fffb03fffb00fffd00');
  });

  it.each([
    ['data', 'info\r\n', 'info\r\n'],
    ['an option', 'in\xff\xfd\x01fo', 'info'],
    ['every verb', '\xff\xfb\x01\xff\xfc\x01\xff\xfd\x01\xff\xfe\x01x', 'x'],
    ['a command without an option', 'a\xff\xf1b', 'ab'],
    ['a doubled IAC', 'a\xff\xffb', 'a\xffb'],
    ['a subnegotiation', 'a\xff\xfa\x1f\x00\x50\xff\xff\x18\xff\xf0b', 'ab'],
    ['CR NUL', 'a\r\0b', 'a\rb'],
    ['NUL elsewhere', 'a\0b', 'a\0b'],
  ])('%s', (_, sent, data) => {
    expect(decode(sent)).toBe(data);
    expect(decode(...sent.split(''))).toBe(data);
  });
});
