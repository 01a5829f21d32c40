import { describe, expect, it } from 'vitest';
import { describeOptions } from './option-list.ts';
import { OPTION_NAMES } from './option-table.ts';

describe('describeOptions', () => {
  it('has every option the program takes, once, and none that it refuses', () => {
    const heads = (text: string): string[] => [...text.matchAll(/^ {2}-([\w-]+)/gm)].map(([, name]) => name ?? '').sort();
    const refused = ['S', 'm', 'machine'];
    expect(heads(describeOptions('vpmem run'))).toEqual(OPTION_NAMES.filter((name) => !['keep', 'takeover'].includes(name)).sort());
    expect(heads(describeOptions('vpmemd'))).toEqual(OPTION_NAMES.filter((name) => !refused.includes(name)).sort());
  });

  it('fits on a terminal', () => {
    expect(Math.max(...describeOptions('vpmem run').split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});
