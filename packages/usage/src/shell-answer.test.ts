import { describe, expect, it } from 'vitest';
import { formatAnswer, readQuestion, splitLine } from './shell-answer.ts';

describe('a line of bash', () => {
  it.each([
    ['vpmem ', ['vpmem', '']],
    ['vpmem up', ['vpmem', 'up']],
    ['  vpmem   ps  --js', ['vpmem', 'ps', '--js']],
    [String.raw`a b\ c "d e\"f" 'g \h' i`, ['a', 'b c', 'd e"f', String.raw`g \h`, 'i']],
    ['a "not at its en', ['a', 'not at its en']],
  ])('%j is %j', (line, words) => {
    expect(splitLine(line)).toEqual(words);
  });

  it('is answered from the sign on at which the word of bash begins, with what bash reads as itself', () => {
    const question = readQuestion('bash', [' =:', 'vpmemd -object file,mem-path=a']);
    expect(question).toEqual({ words: ['vpmemd', '-object', 'file,mem-path=a'], skip: 'file,mem-path='.length });
    expect(formatAnswer('bash', [{ word: 'file,mem-path=a b$.img', description: 'x' }], question)).toBe('closed\na\\ b\\$.img\n');
    expect(formatAnswer('bash', [{ word: 'file,mem-path=a/', description: '', open: true }], question)).toBe('open\na/\n');
  });

  it('is answered from its beginning on where = and : end no word', () => {
    expect(readQuestion('bash', [' ', 'vpmemd -object a=b'])).toMatchObject({ skip: 0 });
  });
});

it('words come to zsh and fish as they are, with what they mean', () => {
  const question = readQuestion('zsh', ['vpmem', 'ps', '']);
  const candidates = [{ word: 'a b', description: 'says' }, { word: 'c=', description: '', open: true }];
  expect(question.words).toEqual(['vpmem', 'ps', '']);
  expect(formatAnswer('zsh', candidates, question)).toBe('closed\ta b\tsays\nopen\tc=\t\n');
  expect(formatAnswer('fish', candidates, question)).toBe('a b\tsays\nc=\n');
});
