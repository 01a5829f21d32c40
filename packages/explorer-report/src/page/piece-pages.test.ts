import type { MinimalPiece } from '@vpmem/explorer';
import { describe, expect, it } from 'vitest';
import { countPages, pageWords, piecePages } from './piece-pages.ts';

function piece(offset: number, length: number, { shown = offset, before = '', after = '' } = {}): MinimalPiece {
  return { offset, length, shown, before, after, names: [] };
}
const words = (of: readonly boolean[]): number[] => of.flatMap((has, i) => (has ? [i] : []));

describe('pages of a minimal set', () => {
  it.each<[what: string, pieces: MinimalPiece[], told: string[]]>([
    ['a page', [piece(0x2000, 4096)], ['the whole page']],
    ['a sector', [piece(0x600, 512)], ['sector 4 of 8']],
    ['sectors', [piece(0, 1024), piece(0xe00, 512)], ['sectors 1-2 and 8 of 8']],
    ['lines', [piece(64, 128), piece(640, 64)], ['lines 2-3 and 11 of 64']],
    ['a word', [piece(0x1008, 8)], ['line 1 of 64, in part']],
    ['bytes of two words', [piece(0x1007, 2)], ['line 1 of 64, in part']],
    ['over the end of a page', [piece(0x1fc0, 128)], ['line 64 of 64', 'line 1 of 64']],
    ['two in one page, in any order', [piece(0x1200, 512), piece(0x1000, 512)], ['sectors 1-2 of 8']],
  ])('%s', (_, pieces, told) => {
    expect(piecePages(pieces, 8).map(pageWords)).toEqual(told);
    expect(countPages(pieces)).toBe(told.length);
  });

  it('counts a word as its own if it has a part of it', () => {
    expect(piecePages([piece(0x1007, 2)], 8).map(({ inSet }) => words(inSet))).toEqual([[0, 1]]);
  });

  it('marks the words whose difference is shown', () => {
    const [page] = piecePages([piece(0x1000, 4096, { shown: 0x1040, before: '00'.repeat(64), after: `${'00'.repeat(8)}01${'00'.repeat(54)}02` })], 8);
    expect(words(page!.differs)).toEqual([9, 15]);
  });

  it('draws no more than asked for of a set as large as a disk, and counts it', () => {
    const pieces = [piece(0, 2 ** 44), piece(2 ** 50, 4096)];
    expect(piecePages(pieces, 3).map(({ offset }) => offset)).toEqual([0, 4096, 8192]);
    expect(countPages(pieces)).toBe(2 ** 32 + 1);
  });
});
