import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { optionReference } from './option-reference.ts';
import { OPTION_NAMES } from './option-table.ts';

// To make the page anew: `npx vitest run -u option-reference --config ../../vitest.config.ts` in packages/service.
it('docs/options.md says what the table says', async () => {
  await expect(optionReference()).toMatchFileSnapshot(fileURLToPath(new URL('../../../../docs/options.md', import.meta.url)));
});

it('has a row for every option', () => {
  expect([...optionReference().matchAll(/^\| `-([\w-]+)/gm)].map(([, name]) => name).sort()).toEqual([...OPTION_NAMES].sort());
});
