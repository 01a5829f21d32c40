/**
 * Builds everything and publishes what npm does not have yet. In a workflow of GitHub each package first says which repository it is
 * built from, since npm takes a statement of provenance only if both name the same one; that is not committed. Run at the root.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'inherit' });

run('turbo', 'run', 'build');
if (server !== undefined && repository !== undefined) {
  for (const folder of [...['packages', 'apps'].flatMap((group) => readdirSync(group).map((name) => `${group}/${name}`)), 'testbed']) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, `${JSON.stringify({ ...manifest, repository: { type: 'git', url: `git+${server}/${repository}.git`, directory: folder } }, undefined, 2)}\n`);
  }
}
run('changeset', 'publish');
