import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { forgetUnused } from './resume-guest.ts';

it('forgets saved guests that nobody has gone on from for a month, finished or not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-saved-'));
  const day = 24 * 3600;
  for (const [name, days] of [['new', 0], ['used', 29], ['unused', 31], ['partial-abc', 31]] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'state'), 'RAM');
    const then = Date.now() / 1000 - days * day;
    utimesSync(join(folder, name), then, then);
  }
  forgetUnused(folder);
  expect(readdirSync(folder)).toEqual(['new', 'used']);
  rmSync(folder, { recursive: true });
});
