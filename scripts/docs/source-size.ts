import { error, warning, type Problem } from './problem.ts';
import type { WorkspacePackage } from './workspace.ts';

/** Lines a source file should have at most, and those it must not go beyond. Tests may be as long as what they test asks for. */
const SHOULD = 250;
const MUST = 300;

export function checkSourceSize(packages: readonly WorkspacePackage[]): Problem[] {
  return packages
    .flatMap(({ sources }) => sources)
    .filter(({ test }) => !test)
    .flatMap(({ file, text }) => {
      const lines = text.split('\n').length - 1;
      if (lines > MUST) return [error(file, `has ${lines} lines; ${MUST} is the most, so part it by noun`)];
      return lines > SHOULD ? [warning(file, `has ${lines} lines; ${SHOULD} is where a second noun usually hides`)] : [];
    });
}
