import { describe, expect, it } from 'vitest';
import { isIncomplete, quoteForShell, splitCommandLine, usesTerminal } from './command-line.ts';

describe('usesTerminal', () => {
  it.each([['-nographic'], ['-serial', 'stdio'], ['-monitor', 'mon:stdio'], ['-chardev', 'stdio,id=c'], ['--qmp', 'stdio']])('says so of %s %s', (...args) => {
    expect(usesTerminal(args)).toBe(true);
  });
  it.each([['-serial', 'file:stdio'], ['-append', 'stdio'], ['-chardev', 'socket,id=stdio,path=x'], ['-monitor', 'none']])('not of %s %s', (...args) => {
    expect(usesTerminal(args)).toBe(false);
  });
});

describe('splitCommandLine', () => {
  it('knows which options take an argument, whatever it looks like', () => {
    const words = ['-nographic', '-append', '-device foo', '--object', 'x', 'disk.img', '-', '-snapshot', '-kernel', '-S'];
    expect(splitCommandLine(words).map(({ option, argument }) => [option, argument])).toEqual([
      ['nographic', undefined],
      ['append', '-device foo'],
      ['object', 'x'],
      [undefined, 'disk.img'],
      [undefined, '-'],
      ['snapshot', undefined],
      ['kernel', '-S'],
    ]);
    expect(splitCommandLine(words).flatMap((item) => item.words)).toEqual(words);
  });

  it.each<[string[], [string | undefined, string | undefined][]]>([
    [['-foo', '-object', 'x'], [['foo', undefined], ['object', 'x']]],
    [['-foo', '--S'], [['foo', undefined], ['S', undefined]]],
    [['-foo', 'bar', '-S'], [['foo', 'bar'], ['S', undefined]]],
    [['-foo', '-bar', '-S'], [['foo', '-bar'], ['S', undefined]]],
    [['-foo'], [['foo', undefined]]],
  ])('an option that nobody knows has no argument if an option follows that is known: %j', (args, items) => {
    expect(splitCommandLine(args).map(({ option, argument }) => [option, argument])).toEqual(items);
  });

  it('says whether the last option lacks its argument', () => {
    expect([['-m'], ['-S', '-device'], ['-S'], ['-m', '1'], ['disk.img'], ['-foo'], []].map((args) => isIncomplete(splitCommandLine(args)))).toEqual([true, true, false, false, false, false, false]);
  });

  it('keeps an option whose argument is missing', () => {
    expect(splitCommandLine(['-m'])).toEqual([{ option: 'm', argument: undefined, words: ['-m'] }]);
  });
});

it('quotes for a shell', () => {
  expect(quoteForShell(['qemu', '-device', '{"a":1}', "it's", 'a=b,c', ''])).toBe(`qemu -device '{"a":1}' 'it'\\''s' a=b,c ''`);
});
