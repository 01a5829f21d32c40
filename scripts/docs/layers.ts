import { readPackageTable, type PackageRow } from './package-table.ts';
import { error, list, warning, type Problem } from './problem.ts';
import { ownDependencies, SCOPE, type WorkspacePackage } from './workspace.ts';

/** Arrows that must never appear, not even by way of other packages. */
const FORBIDDEN: readonly { readonly from: RegExp; readonly to: RegExp; readonly why: string }[] = [
  { from: /^virtio-pmem$/, to: /^pci$/, why: 'a device never sees its transport' },
  { from: /^(?:served-machine|daemon)$/, to: /^(?:guest|nvdimm|embedded-machine)$/, why: 'who serves VMs loads neither a guest nor ACPI' },
  { from: /^embedded-machine$/, to: /^served-machine$/, why: 'one machine does not know the other' },
  { from: /^vfio-user$/, to: /^virtio/, why: 'a server never hears what kind of device it serves' },
];

/** The only package that may use the FFI; and the programs that have that package in them when they are built, and so have to be able to load it. */
const FFI = { module: 'koffi', owner: 'packages/native', bundles: ['apps/cli', 'apps/daemon'] as readonly string[] };

const byName = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** What packages import against what ARCHITECTURE.md says that they may. */
export function checkLayers(file: string, packages: readonly WorkspacePackage[]): Problem[] {
  const rows = new Map(readPackageTable(file).map((row) => [row.name, row]));
  return packages.flatMap((own) => {
    const row = rows.get(own.name);
    return [
      ...checkDeclared(own),
      ...checkFfi(own),
      ...checkForbidden(own, packages),
      // A package without a row is the package table's business.
      ...(row === undefined ? [] : checkRow(own, row, rows)),
    ];
  });
}

/** The column 'may import' names the dependencies, and all of them lie in lower layers, or beside it where it says so. */
function checkRow(own: WorkspacePackage, row: PackageRow, rows: ReadonlyMap<string, PackageRow>): Problem[] {
  const layer = layerOf(row);
  if (layer === undefined) return [error(row.at, `column 'layer' of ${own.name} is '${row.cells.get('layer') ?? ''}'; it has to be a number`)];
  const allowed = byName((row.cells.get('may import') ?? '').split(/,\s*/).filter((name) => name !== '' && name !== '–'));
  const actual = byName(ownDependencies(own.manifest?.dependencies));
  const problems: Problem[] = [];
  if (list(allowed) !== list(actual)) {
    problems.push(error(row.at, `column 'may import' of ${own.name} is ${list(allowed)}; ${own.folder}/package.json depends on ${list(actual)}`));
  }
  for (const name of byName([...actual, ...ownDependencies(own.manifest?.devDependencies)])) {
    const other = rows.get(name);
    const otherLayer = other === undefined ? undefined : layerOf(other);
    // What is not in the table, the testbed, lies outside the layers: tests need it, and what boots guests as they do.
    if (otherLayer === undefined || otherLayer < layer || (otherLayer === layer && allowed.includes(name))) continue;
    problems.push(error(`${own.folder}/package.json`, `${own.name} (layer ${layer}) depends on ${name} (layer ${otherLayer}); only lower layers, or what 'may import' names, are allowed`));
  }
  return problems;
}

function layerOf({ cells }: PackageRow): number | undefined {
  const text = cells.get('layer') ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** What the sources import is declared, what is declared is imported. */
function checkDeclared({ name, folder, manifest, sources }: WorkspacePackage): Problem[] {
  const declared = ownDependencies(manifest?.dependencies);
  const forTests = [...declared, ...ownDependencies(manifest?.devDependencies), name];
  const imported = new Set(sources.filter(({ test }) => !test).flatMap(({ imports }) => imports.map(ownPackage)));
  const undeclared = sources.flatMap(({ file, test, imports }) =>
    byName(imports.map(ownPackage).filter((each) => each !== undefined))
      .filter((each) => !(test ? forTests : declared).includes(each))
      .map((each) => error(file, `imports ${SCOPE}${each}; ${folder}/package.json has to name it in ${test ? 'devDependencies' : 'dependencies'}`)),
  );
  const unused = declared.filter((each) => !imported.has(each));
  return [...undeclared, ...unused.map((each) => warning(`${folder}/package.json`, `depends on ${SCOPE}${each}, which nothing in src imports; take it out`))];
}

/** The package's name without its scope, if `specifier` is one of ours. */
function ownPackage(specifier: string): string | undefined {
  return specifier.startsWith(SCOPE) ? specifier.slice(SCOPE.length).split('/')[0] : undefined;
}

function checkFfi({ folder, manifest, sources }: WorkspacePackage): Problem[] {
  if (folder === FFI.owner) return [];
  const users = sources.filter(({ imports }) => imports.some((each) => each === FFI.module || each.startsWith(`${FFI.module}/`)));
  const problems = users.map(({ file }) => error(file, `imports ${FFI.module}; only ${FFI.owner} may, so the call belongs there`));
  if (FFI.bundles.includes(folder) || { ...manifest?.dependencies, ...manifest?.devDependencies }[FFI.module] === undefined) return problems;
  return [...problems, error(`${folder}/package.json`, `depends on ${FFI.module}; only ${FFI.owner} may`)];
}

function checkForbidden(own: WorkspacePackage, packages: readonly WorkspacePackage[]): Problem[] {
  const reached = reach(own, packages);
  const arrows = FORBIDDEN.filter(({ from }) => from.test(own.name)).flatMap(({ to, why }) =>
    reached.filter((way) => to.test(way.at(-1) ?? '')).map((way) => error(`${own.folder}/package.json`, `${way.join(' → ')} must never be: ${why}`)),
  );
  if (own.kind === 'app') return arrows;
  const direct = [...ownDependencies(own.manifest?.dependencies), ...ownDependencies(own.manifest?.devDependencies)];
  const apps = direct.filter((name) => packages.some((each) => each.kind === 'app' && each.name === name));
  return [...arrows, ...apps.map((name) => error(`${own.folder}/package.json`, `${own.name} → ${name} must never be: packages know no apps`))];
}

/** Each package that `own` depends on, as the shortest way there. */
function reach(own: WorkspacePackage, packages: readonly WorkspacePackage[]): string[][] {
  const ways: string[][] = [[own.name]];
  for (const way of ways) {
    const last = packages.find(({ name }) => name === way.at(-1));
    for (const next of ownDependencies(last?.manifest?.dependencies)) {
      if (!ways.some((each) => each.at(-1) === next)) ways.push([...way, next]);
    }
  }
  return ways.slice(1);
}
