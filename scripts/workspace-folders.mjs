// Where the packages of this workspace are.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders with a package.json, from `root`, as pnpm-workspace.yaml has them: `packages/layout`, `apps/cli`, `bench`. @throws Error if it cannot be understood */
export function workspaceFolders(root) {
  const [, list = ''] = /^packages:\n((?: {2}- .*\n)+)/m.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')) ?? [];
  // Without folders there would be no tests, and all of them would pass.
  if (list === '') throw new Error("pnpm-workspace.yaml: has no 'packages:' with a folder in each line below it");
  return [...list.matchAll(/^ {2}- (.*)$/gm)]
    .flatMap(([, entry = '']) => (entry.endsWith('/*') ? readdirSync(join(root, entry.slice(0, -2))).map((name) => `${entry.slice(0, -2)}/${name}`) : [entry]))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
}

/** Those of them that are for npm. */
export function publishedFolders(root) {
  return workspaceFolders(root).filter((folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).private !== true);
}
