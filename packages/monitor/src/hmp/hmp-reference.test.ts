import { describe, expect, it } from 'vitest';
import { hmpCommands } from './hmp-commands.ts';
import { hmpReference } from './hmp-reference.ts';
import { infoTopics } from './info-topics.ts';

describe('docs/hmp-reference.md', () => {
  it('is what the commands say', async () => {
    await expect(hmpReference()).toMatchFileSnapshot('../../../../docs/hmp-reference.md');
  });

  it('says something of every command', () => {
    for (const { names, help, manual } of [...hmpCommands, ...infoTopics]) {
      expect(help, names[0]).not.toBe('');
      expect(manual, names[0]).not.toBe('');
    }
  });
});
