import { existsSync, readFileSync } from 'node:fs';
import { error, list, type Problem } from './problem.ts';
import type { WorkspacePackage } from './workspace.ts';

/** A row of a package table: its first cell is a link like [`layout`](packages/layout). */
export interface PackageRow {
  readonly name: string;
  readonly folder: string;
  /** `file:line` */
  readonly at: string;
  /** The row's other cells by the name of their column, trimmed. */
  readonly cells: ReadonlyMap<string, string>;
}

const PACKAGE_LINK = /^\[`([\w-]+)`\]\(((?:packages|apps)\/[\w-]+)\)$/;

/** The package table of a Markdown file; no rows where there is none. */
export function readPackageTable(file: string): PackageRow[] {
  if (!existsSync(file)) return [];
  let columns: string[] = [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (!line.startsWith('|')) {
        columns = [];
        return [];
      }
      const cells = line.split('|').slice(1, -1).map((cell) => cell.trim());
      if (columns.length === 0) columns = cells;
      const [, name, folder] = PACKAGE_LINK.exec(cells[0] ?? '') ?? [];
      if (name === undefined || folder === undefined) return [];
      const others = new Map(columns.map((column, i) => [column, cells[i] ?? ''] as const).slice(1));
      return [{ name, folder, at: `${file}:${index + 1}`, cells: others }];
    });
}

const ANY_PACKAGE_LINK = /\[`([\w-]+)`\]\(((?:packages|apps)\/[\w-]+)\)/g;

/** `file` links to each package on disk once, by its name, and to nothing that is not there. */
export function checkPackageLinks(file: string, packages: readonly WorkspacePackage[]): Problem[] {
  const links = [...readFileSync(file, 'utf8').matchAll(ANY_PACKAGE_LINK)].map(([, name = '', folder = '']) => ({ name, folder }));
  return [
    ...packages.flatMap(({ name, folder }) => {
      const count = links.filter((link) => link.folder === folder && link.name === name).length;
      return count === 1 ? [] : [error(file, `links to ${folder} ${count} times; it has to once, as [\`${name}\`](${folder})`)];
    }),
    ...links.filter((link) => !packages.some(({ folder }) => folder === link.folder)).map(({ folder }) => error(file, `${folder} is not on disk; there is ${list(packages.map((each) => each.folder))}`)),
  ];
}

/** The table of `file` names exactly the packages on disk, and says in its column `meaning` what each is. */
export function checkPackageTable(file: string, meaning: string, packages: readonly WorkspacePackage[]): Problem[] {
  if (!existsSync(file)) return [error(file, 'is missing; it has to have a table of the packages')];
  const rows = readPackageTable(file);
  const missing = packages.filter(({ folder }) => !rows.some((row) => row.folder === folder));
  return [
    ...missing.map(({ name, folder }) => error(file, `the package table has no row for ${folder}; one begins with | [\`${name}\`](${folder}) |`)),
    ...rows.flatMap((row, index) => checkRow(row, rows.slice(0, index), meaning, packages)),
  ];
}

function checkRow({ name, folder, at, cells }: PackageRow, before: readonly PackageRow[], meaning: string, packages: readonly WorkspacePackage[]): Problem[] {
  const problems: Problem[] = [];
  const own = packages.find((each) => each.folder === folder);
  if (own === undefined) problems.push(error(at, `${folder} is not on disk; there is ${list(packages.map((each) => each.folder))}`));
  else if (own.name !== name) problems.push(error(at, `the link to ${folder} is called \`${name}\`; it should be \`${own.name}\``));
  if (before.some((row) => row.folder === folder)) problems.push(error(at, `${folder} has a row already; one is enough`));
  const text = cells.get(meaning);
  if (text === undefined) problems.push(error(at, `the table has no column '${meaning}'; it says in a line what each package is`));
  else if (text === '') problems.push(error(at, `nothing is said of ${folder}; column '${meaning}' wants one line`));
  return problems;
}
