import { existsSync, readFileSync } from 'node:fs';
import { error, list, type Problem } from './problem.ts';

/** A document that is cited, in the one version that is. */
interface Specification {
  readonly name: string;
  readonly version: string;
  /** Where it is listed. */
  readonly at: string;
}

/** Citations in `files` name a specification, and the version of it, that `specs` lists; what it lists is cited. */
export function checkCitations(specs: string, files: readonly string[]): Problem[] {
  if (!existsSync(specs)) return [error(specs, 'is missing; it lists the specifications that are cited')];
  const listed = readSpecifications(specs);
  const cited = new Set<string>();
  const problems = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => checkLine(`${file}:${index + 1}`, line, listed, cited)),
  );
  const idle = listed.filter((each) => !cited.has(title(each)));
  return [...problems, ...checkUnique(listed), ...idle.map((each) => error(each.at, `${title(each)} is cited nowhere; take it out`))];
}

const title = ({ name, version }: Specification): string => `${name} ${version}`;

/** Rows whose first cell is code of the form `NAME VERSION`. */
function readSpecifications(file: string): Specification[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      const [, name, version] = /^\| `([^`]+) (\d[\d.]*)` \|/.exec(line) ?? [];
      return name === undefined || version === undefined ? [] : [{ name, version, at: `${file}:${index + 1}` }];
    });
}

function checkUnique(listed: readonly Specification[]): Problem[] {
  return listed
    .filter(({ name }, index) => listed.findIndex((each) => each.name === name) !== index)
    .map(({ name, at }) => error(at, `${name} is listed twice; one version of each is cited`));
}

function checkLine(at: string, line: string, listed: readonly Specification[], cited: Set<string>): Problem[] {
  const problems: Problem[] = [];
  // Clause signs first: each follows a name and a version, and both are listed.
  for (const { index } of line.matchAll(/§/g)) {
    const before = line.slice(0, index);
    if (listed.some((each) => before.endsWith(`${title(each)} `))) continue;
    const given = /(\S+ \S+) $/.exec(before)?.[1] ?? '';
    problems.push(error(at, `'${given} §' is no citation; it reads NAME VERSION §CLAUSE, with one of ${list(listed.map(title))}`));
  }
  // Then names with a version and no clause sign: documents without numbered clauses are cited by heading.
  for (const { name, version } of listed) {
    for (const [, found = ''] of line.matchAll(new RegExp(`(?<![\\w-])${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')} (\\d+(?:\\.\\d+)*)`, 'g'))) {
      cited.add(`${name} ${found}`);
      if (found !== version) problems.push(error(at, `cites ${name} ${found}; the one version cited is ${name} ${version}`));
    }
  }
  return problems;
}
