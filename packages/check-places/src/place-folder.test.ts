import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makePlaceFolder, removePlaceFolder } from './place-folder.ts';

it('folders of places that close at the same time are removed, with the one they are in', async () => {
  const runtime = mkdtempSync(join(tmpdir(), 'vpmem-place-folder-'));
  const environment = { XDG_RUNTIME_DIR: runtime };
  const all = (): string[] => readdirSync(runtime).flatMap((name) => readdirSync(join(runtime, name)));
  const folders = Array.from({ length: 8 }, () => makePlaceFolder(environment));
  expect(all()).toHaveLength(1);
  await Promise.all(folders.map((folder) => removePlaceFolder(folder)));
  expect(all()).toEqual([]);
  const again = makePlaceFolder(environment);
  expect(existsSync(again)).toBe(true);
  await removePlaceFolder(again);
  rmSync(runtime, { recursive: true });
});
