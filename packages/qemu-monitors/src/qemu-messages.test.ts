import { expect, it } from 'vitest';
import { QemuMessages } from './qemu-messages.ts';

const PLAIN = '{"return": {"a": "}"}}\r\n';
const INDENTED = '{\r\n    "return": {\r\n    },\r\n    "id": [\r\n        1\r\n    ]\r\n}\r\n';

it.each([1, 3, 1000])('finds messages, on one line or indented, in portions of %i', (size) => {
  const messages = new QemuMessages();
  const all = PLAIN + INDENTED + PLAIN + INDENTED;
  const found: string[] = [];
  for (let at = 0; at < all.length; at += size) found.push(...messages.take(all.slice(at, at + size)));
  expect(found).toEqual([PLAIN, INDENTED, PLAIN, INDENTED]);
});

it('holds back what is not whole', () => {
  const messages = new QemuMessages();
  expect(messages.take(`${PLAIN}{"event"`)).toEqual([PLAIN]);
  expect(messages.take(': 1}')).toEqual([]);
  expect(messages.take('\r\n')).toEqual(['{"event": 1}\r\n']);
});
