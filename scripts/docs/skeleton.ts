import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { error, list, type Problem } from './problem.ts';
import { readManifest, SCOPE, type Manifest, type WorkspacePackage } from './workspace.ts';

/** What a package delivers; launchers and units for systemd only where there are any. */
const files = (folder: string): string[] => {
  const there = (name: string): string[] => (existsSync(join(folder, name)) ? [name] : []);
  return [...there('bin'), 'dist', 'src', ...there('systemd'), '!src/**/*.test.ts'];
};
const SCRIPTS = ['build', 'typecheck', 'test', 'check:package'];

/** Every package has the same parts under the same names. */
export function checkSkeleton(packages: readonly WorkspacePackage[]): Problem[] {
  const root = readManifest('package.json');
  return packages.flatMap((own) => {
    const file = `${own.folder}/package.json`;
    return [
      ...(own.manifest === undefined ? [error(file, 'is missing')] : checkManifest(file, own, own.manifest, root)),
      ...checkReadme(own, root),
      ...(own.kind === 'package' ? checkIndex(`${own.folder}/src/index.ts`) : []),
    ];
  });
}

function checkManifest(file: string, own: WorkspacePackage, manifest: Manifest, root: Manifest): Problem[] {
  const wanted: [key: string, actual: unknown, right: unknown][] = [
    ['name', manifest.name, `${SCOPE}${own.name}`],
    ['license', manifest.license, root.license],
    ['type', manifest.type, 'module'],
    ['engines', manifest.engines, root.engines],
    ['files', manifest.files, files(own.folder)],
    ["exports['./package.json']", manifest.exports?.['./package.json'], './package.json'],
  ];
  if (own.kind === 'package') wanted.push(["exports['.']", manifest.exports?.['.'], './dist/index.js']);
  const missing = SCRIPTS.filter((script) => manifest.scripts?.[script] === undefined);
  return [
    ...wanted
      .filter(([, actual, right]) => JSON.stringify(actual) !== JSON.stringify(right))
      .map(([key, actual, right]) => error(file, `${key} is ${actual === undefined ? 'missing' : JSON.stringify(actual)}; it should be ${JSON.stringify(right)}`)),
    ...(manifest.version === undefined ? [error(file, 'version is missing')] : []),
    ...((manifest.description ?? '') === '' ? [error(file, 'description is missing; one line on what the package is')] : []),
    ...(missing.length > 0 ? [error(file, `scripts lack ${list(missing)}; every package has ${list(SCRIPTS)}`)] : []),
    ...(own.kind === 'app' && manifest.bin === undefined ? [error(file, 'bin is missing; an app is a program')] : []),
    ...[...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})].flatMap((target) => checkTarget(file, own.folder, target)),
  ];
}

/** What is exported is built from a source of the same name, so its types lie beside it. */
function checkTarget(file: string, folder: string, target: string): Problem[] {
  if (target === './package.json') return [];
  // A launcher is the script that it is.
  if (target.startsWith('./bin/')) return existsSync(join(folder, target)) ? [] : [error(file, `'${target}' is not there`)];
  const [, path] = /^\.\/dist\/(.+)\.js$/.exec(target) ?? [];
  if (path === undefined) return [error(file, `'${target}' is not built from src; a target reads ./dist/NOUN.js`)];
  return existsSync(join(folder, 'src', `${path}.ts`)) ? [] : [error(file, `'${target}' has no source; there should be src/${path}.ts`)];
}

function checkReadme({ folder, name, kind }: WorkspacePackage, { homepage = '' }: Manifest): Problem[] {
  const file = `${folder}/README.md`;
  if (!existsSync(file)) return [error(file, 'is missing')];
  const text = readFileSync(file, 'utf8');
  const title = `# ${SCOPE}${name}`;
  const reference = `${homepage}modules/${`${SCOPE}${name}`.replaceAll(/[^\w-]/g, '_')}.html`;
  return [
    ...(text.startsWith(`${title}\n`) ? [] : [error(file, `the first line should be '${title}'`)]),
    ...(text.includes(`npm install ${SCOPE}${name}`) || text.includes(`npm install -g ${SCOPE}${name}`)
      ? []
      : [error(file, `does not say how to install it: npm install ${SCOPE}${name}`)]),
    ...(text.includes('](../../ARCHITECTURE.md') ? [] : [error(file, 'has no link to ../../ARCHITECTURE.md')]),
    ...(kind === 'app' || text.includes(`](${reference})`) ? [] : [error(file, `has no link to its part of the API reference, ${reference}; it begins with the homepage of package.json`)]),
  ];
}

/** Named re-exports and nothing else: what is public is a list one can read. */
function checkIndex(file: string): Problem[] {
  if (!existsSync(file)) return [error(file, 'is missing; it lists what the package exports')];
  const source = ts.createSourceFile(basename(file), readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023);
  return source.statements
    .filter((statement) => !isNamedReExport(statement))
    .map((statement) => {
      const { line } = source.getLineAndCharacterOfPosition(statement.getStart(source));
      return error(`${file}:${line + 1}`, "is no named re-export; write export { a, b } from './noun.ts' and nothing else here");
    });
}

function isNamedReExport(statement: ts.Statement): boolean {
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) return false;
  return statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause);
}
