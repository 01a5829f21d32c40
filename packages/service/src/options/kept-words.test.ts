import { expect, it } from 'vitest';
import { keptWords } from './kept-words.ts';

it.each([
  ['-keep -name a -pidfile p -daemonize', '-name a -daemonize'],
  ['--keep --pidfile p --name a', '--name a'],
  ['-takeover vm1 -object x,id=a -keep', '-object x,id=a'],
  // What stands after an option is its argument, whatever it looks like.
  ['-name -keep -D -pidfile -keep', '-name -keep -D -pidfile'],
  ['-h', '-h'],
  ['-pidfile', ''],
])('%s becomes %s', (words, kept) => {
  expect(keptWords(words.split(' ')).join(' ')).toBe(kept);
});
