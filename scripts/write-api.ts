/**
 * Makes the API reference, as HTML in .api, of what the packages export. What is exported without a docstring, a link that leads nowhere, or a type
 * that a reader would not find, is a line of its own and fails it. The exports' own types are checked elsewhere.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Application, ReflectionKind, TSConfigReader, type ProjectReflection } from 'typedoc';
import { UNLISTED_TYPES } from './docs/unlisted-types.ts';
import { readManifest, readWorkspace } from './docs/workspace.ts';

const OUT = '.api';
/** Applications are programs, and export nothing that a program could use. */
const FOLDERS = [...readWorkspace().flatMap(({ kind, folder }) => (kind === 'package' ? [folder] : [])), 'testbed'];

const parts = mkdtempSync(join(tmpdir(), 'vpmem-api-'));
try {
  let sound = true;
  for (const folder of FOLDERS) sound = (await writePart(folder)) && sound;
  if (sound) await writePages();
  else fail('The API reference is not written: each line above is to be mended');
} finally {
  rmSync(parts, { recursive: true });
}

/** What one package exports, to be merged. @returns whether there is nothing to mend */
async function writePart(folder: string): Promise<boolean> {
  const { exports = {}, name = '' } = readManifest(join(folder, 'package.json'));
  // What runs in a browser, of page-kit, is for our own pages.
  const entryPoints = Object.values(exports).flatMap((target) => (target.endsWith('.js') && !target.startsWith('./dist/dom/') ? [join(folder, target.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))] : []));
  const app = await Application.bootstrap(
    {
      name,
      entryPoints,
      tsconfig: join(folder, 'tsconfig.build.json'),
      readme: 'none',
      skipErrorChecking: true,
      disableSources: true,
      // Of node's classes, what is inherited is in node's own reference.
      excludeExternals: true,
      excludeInternal: true,
      excludePrivate: true,
      logLevel: 'Warn',
      // Links may lead to another package.
      validation: { notExported: true, invalidLink: false, notDocumented: true, invalidPath: true },
      requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias'],
      // What node's own types say of themselves.
      externalSymbolLinkMappings: { '@types/node': { '*': '#' } },
      intentionallyNotExported: Object.entries(UNLISTED_TYPES).flatMap(([file, types]) => (file.startsWith(`${folder}/`) ? types.map((type) => `${name}${file.slice(folder.length)}:${type}`) : [])),
    },
    [new TSConfigReader()],
  );
  const project = await app.convert();
  if (project === undefined) return false;
  app.validate(project);
  for (const each of undocumented(project)) app.logger.warn(`${each}, exported by ${name}, has no docstring`);
  await app.generateJson(project, join(parts, `${folder.replaceAll('/', '-')}.json`));
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/** Functions: typedoc would look at methods too, most of which say all by their name. */
function undocumented(project: ProjectReflection): string[] {
  return project
    .getReflectionsByKind(ReflectionKind.Function)
    .filter((each) => each.isDeclaration() && each.signatures?.some((signature) => signature.hasComment()) !== true)
    .map((each) => each.getFullName());
}

async function writePages(): Promise<void> {
  const app = await Application.bootstrap({ name: 'vpmem', entryPointStrategy: 'merge', entryPoints: [join(parts, '*.json')], readme: 'none', logLevel: 'Warn', validation: { notExported: false, invalidLink: true, notDocumented: false, invalidPath: true } });
  const project = await app.convert();
  if (project === undefined) throw new Error('the API reference cannot be put together');
  app.validate(project);
  rmSync(OUT, { recursive: true, force: true });
  await app.generateDocs(project, resolve(OUT));
  if (app.logger.hasErrors() || app.logger.hasWarnings()) fail('The API reference is written, but each line above is to be mended');
  const { homepage = '' } = readManifest('package.json');
  for (const folder of FOLDERS) {
    const links = readFileSync(join(folder, 'README.md'), 'utf8').split(`](${homepage}`).slice(1).map((rest) => rest.split(')')[0] ?? '');
    for (const link of links.filter((each) => !existsSync(join(OUT, each)))) fail(`${folder}/README.md: the API reference has no ${link}`);
  }
  const sizes = readdirSync(OUT, { recursive: true, encoding: 'utf8' }).map((name) => ({ name, size: statSync(join(OUT, name)).size }));
  const pages = sizes.filter(({ name }) => name.endsWith('.html'));
  const mebibytes = (sizes.reduce((sum, { size }) => sum + size, 0) / 2 ** 20).toFixed(1);
  console.log(`${OUT}: ${pages.length} pages, ${mebibytes} MiB in all; the largest page has ${Math.round(Math.max(...pages.map(({ size }) => size)) / 1024)} KiB`);
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 1;
}
