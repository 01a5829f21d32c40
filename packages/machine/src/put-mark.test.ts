import { describe, expect, it } from 'vitest';
import { putMark, type MarkedDevice } from './put-mark.ts';

describe('a mark', () => {
  const answers: ((marked: boolean | Error) => void)[] = [];
  const texts: string[] = [];
  const later: MarkedDevice = { backing: { mark: (text, done) => void (texts.push(text), answers.push(done)) } };
  const without: MarkedDevice = { backing: { mark: (_, done) => done(false) } };

  it('is put when all have answered, and counts recordings that have it', () => {
    const counts: number[] = [];
    putMark([later, without, later, later], 'acknowledged', (marked) => counts.push(marked));
    expect(texts).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
    answers[1]?.(new Error('gone'));
    answers[0]?.(true);
    expect(counts).toEqual([]);
    answers[2]?.(true);
    expect(counts).toEqual([2]);
  });

  it('is put at once where nobody has to be waited for', () => {
    const counts: number[] = [];
    putMark([], 'x', (marked) => counts.push(marked));
    putMark([without, without], 'x', (marked) => counts.push(marked));
    expect(counts).toEqual([0, 0]);
  });
});
