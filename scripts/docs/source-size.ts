import { dirname } from 'node:path';
import { error, warning, type Problem } from './problem.ts';
import type { WorkspacePackage } from './workspace.ts';

/** Lines a source file should have at most, and those it must not go beyond. Tests may be as long as what they test asks for. */
const SHOULD = 250;
const MUST = 300;
/** Files in one folder, tests among them: a reader has to find the right one. */
const MOST_FILES = 40;

export function checkSourceSize(packages: readonly WorkspacePackage[]): Problem[] {
  return [...checkFolders(packages), ...checkFiles(packages)];
}

function checkFolders(packages: readonly WorkspacePackage[]): Problem[] {
  const counts = new Map<string, number>();
  for (const { sources } of packages) for (const { file } of sources) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > MOST_FILES).map(([folder, count]) => error(folder, `has ${count} files; ${MOST_FILES} are the most, so sort them into folders by what they hold`));
}

function checkFiles(packages: readonly WorkspacePackage[]): Problem[] {
  return packages
    .flatMap(({ sources }) => sources)
    .filter(({ test }) => !test)
    .flatMap(({ file, text }) => {
      const lines = text.split('\n').length - 1;
      if (lines > MUST) return [error(file, `has ${lines} lines; ${MUST} is the most, so part it by noun`)];
      return lines > SHOULD ? [warning(file, `has ${lines} lines; ${SHOULD} is where a second noun usually hides`)] : [];
    });
}
