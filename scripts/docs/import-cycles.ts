import { dirname, join, relative } from 'node:path';
import { error, type Problem } from './problem.ts';
import type { Source, WorkspacePackage } from './workspace.ts';

/** Which files of the same package each file imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

/**
 * No file of a package imports itself, directly or round about; one that only needs the other's types is no better, for neither can
 * be read first. Of files that can all reach each other, the shortest way round is told.
 */
export function checkImportCycles(packages: readonly WorkspacePackage[]): Problem[] {
  return packages.flatMap(({ folder, sources }) =>
    findCycles(importsOf(sources.filter(({ test }) => !test))).map((cycle) => {
      const way = [...cycle, cycle[0] ?? ''].map((file) => relative(join(folder, 'src'), file)).join(' → ');
      return error(cycle[0] ?? folder, `imports itself: ${way}; move what both sides need into a file of its own`);
    }),
  );
}

function importsOf(sources: readonly Source[]): Imports {
  const own = new Set(sources.map(({ file }) => file));
  return new Map(
    sources.map(({ file, imports }) => {
      const files = imports.filter((each) => each.startsWith('.')).map((each) => join(dirname(file), each));
      return [file, files.filter((each) => own.has(each))];
    }),
  );
}

/** A cycle for each group of files that can reach each other, from its first file in the order of the alphabet. */
function findCycles(imports: Imports): string[][] {
  const cycles: string[][] = [];
  const told = new Set<string>();
  for (const file of [...imports.keys()].sort()) {
    if (told.has(file)) continue;
    const cycle = wayRound(file, imports);
    if (cycle === undefined) continue;
    cycles.push(cycle);
    // Whoever is on another way through this file is of the same group.
    const ahead = reachable(file, imports);
    for (const other of ahead) if (reachable(other, imports).has(file)) told.add(other);
  }
  return cycles;
}

/** The shortest way from `file` back to it, without its end. */
function wayRound(file: string, imports: Imports): string[] | undefined {
  const ways = [[file]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1) ?? '') ?? []) {
      if (next === file) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** What `file` imports, and what that does, and so on. */
function reachable(file: string, imports: Imports): Set<string> {
  const found = new Set(imports.get(file));
  for (const each of found) for (const next of imports.get(each) ?? []) found.add(next);
  return found;
}
