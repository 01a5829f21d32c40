import { expect, it } from 'vitest';
import { encodeMessage, MessageReader } from './agent-message.ts';

const texts = (messages: Buffer[][]): string[][] => messages.map((strings) => strings.map(String));

it('takes messages that come cut anywhere', () => {
  const bytes = Buffer.concat([encodeMessage(['check', '', "it's ä\n"]), encodeMessage([]), encodeMessage([Buffer.of(0x41)])]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new MessageReader();
    expect(texts([...reader.receive(bytes.subarray(0, cut)), ...reader.receive(bytes.subarray(cut))])).toEqual([['check', '', "it's ä\n"], [], ['A']]);
  }
});

it('refuses what is no message', () => {
  expect(() => new MessageReader().receive(Buffer.of(0x7f, 0, 0, 0))).toThrow('a message of 2130706432 bytes');
  const behind = Buffer.from(encodeMessage(['abc']));
  behind.writeUInt32BE(4, 4);
  expect(() => new MessageReader().receive(behind)).toThrow('a string that ends behind its message');
  expect(() => new MessageReader().receive(Buffer.of(0, 0, 0, 2, 0, 0))).toThrow('a string that ends behind its message');
});
