import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { workspaceFolders } from './scripts/workspace-folders.mjs';

const root = import.meta.dirname;

/** What a package says of its tests of a kind: which of them bear one process. */
function scriptOf(folder: string, kind: string): string | undefined {
  return (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { scripts?: Record<string, string> }).scripts?.[kind];
}

/** The project of files that have a process each. */
const APART = 'apart';
/** Their files count what their process has, which is little changed by each other, but would be by what another package's threads let go of. */
const OF_THEIR_OWN = ['packages/native', 'packages/descriptor-store'];

/**
 * The tests of a kind of all packages, in few projects: what bears it has one process for all packages, and the rest one for each file.
 * A project for each package would have a process, and a server of vite, for each.
 *
 * @param kind the script in a package.json: `test`, `test:process`
 * @param configuration from the root, which that script names
 * @param files of that configuration, from a package's folder; where a script names some, these only
 */
export function projectsOf(kind: string, configuration: string, files: string): TestProjectInlineConfiguration[] {
  const packages = workspaceFolders(root).flatMap((folder) => {
    const script = scriptOf(folder, kind);
    if (script === undefined) return [];
    const own = OF_THEIR_OWN.includes(folder) ? folder : 'together';
    const named = script.split(' ').filter((word) => word.startsWith('src/'));
    return [{ include: named.length === 0 ? [`${folder}/${files}`] : named.map((name) => `${folder}/${name}`), project: script.includes('--no-isolate') ? own : APART }];
  });
  return [...new Set(packages.map(({ project }) => project))].map((name) => ({
    extends: configuration,
    root,
    test: { name, include: packages.filter(({ project }) => project === name).flatMap(({ include }) => include), isolate: name === APART },
  }));
}
