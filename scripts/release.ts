/**
 * Builds everything and publishes what npm does not have yet. In a workflow of GitHub each package first says which repository it is
 * built from, since npm takes a statement of provenance only if both name the same one; that is not committed. Run at the root.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedFolders } from './workspace-folders.mjs';

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'inherit' });

run('turbo', 'run', 'build');
if (server !== undefined && repository !== undefined) {
  for (const folder of publishedFolders('.')) {
    const file = join(folder, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, `${JSON.stringify({ ...manifest, repository: { type: 'git', url: `git+${server}/${repository}.git`, directory: folder } }, undefined, 2)}\n`);
  }
}
run('changeset', 'publish');
