/**
 * Installs our packages as users do, from a registry that they were published to, and tries what their READMEs say. With
 * VPMEM_INSTALL=all each package is also installed by npm in a folder of its own, and examples with guests run too.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExamples, readInstallLine } from '../docs/readme-examples.ts';
import { SCOPE } from '../docs/workspace.ts';
import { publishedFolders } from '../workspace-folders.mjs';
import { run, userEnvironment } from './command.ts';
import { Project } from './project.ts';
import { Registry } from './registry.ts';
import { judgeImports } from './tarball-imports.ts';
import { judgeTarball, packAll, type Tarball } from './tarballs.ts';
import { TRIALS } from './trials.ts';

const ROOT = join(import.meta.dirname, '../..');
const ALL = process.env.VPMEM_INSTALL === 'all';

const folders = publishedFolders(ROOT);
const nameOf = (folder: string): string => folder.split('/').at(-1)!;
/** What is imported, in the order in which it is installed. */
const libraries = folders.filter((folder) => readExamples(join(ROOT, folder)).length > 0).map(nameOf);
const folderOf = (name: string): string => join(ROOT, folders.find((folder) => nameOf(folder) === name)!);

let work: string;
let registry: Registry;
let env: NodeJS.ProcessEnv;
let tarballs: readonly Tarball[];

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'vpmem-install-'));
  for (const name of ['packed', 'registry', 'client', 'runtime']) mkdirSync(join(work, name), { mode: 0o700 });
  tarballs = packAll(join(work, 'packed'));
  registry = await Registry.start(join(work, 'registry'));
  for (const tarball of tarballs) await registry.publish(tarball);
  env = userEnvironment({ ...registry.clientSettings(join(work, 'client')), XDG_RUNTIME_DIR: join(work, 'runtime') });
});

afterAll(async () => {
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

/** Not this user's, which would keep our packages by versions that are not out yet. */
const pnpmFolders = (folder: string) => ({ storeDir: join(folder, 'store'), cacheDir: join(folder, 'pnpm'), stateDir: join(folder, 'state') });

/** What is published, by name; known when everything is packed. */
const published = (name: string): Tarball => {
  const found = tarballs.find(({ manifest }) => manifest.name === `${SCOPE}${name}`);
  if (found === undefined) throw new Error(`${SCOPE}${name} is not published; is it private?`);
  return found;
};
const versionOf = (name: string): string => published(name).manifest.version!;

it('has in each tarball what its package.json names and its files import, and depends on versions', () => {
  expect(tarballs.map(({ manifest }) => manifest.name).sort()).toEqual(folders.map((folder) => `${SCOPE}${nameOf(folder)}`).sort());
  expect(Object.fromEntries(tarballs.map((each) => [each.manifest.name, [...judgeTarball(each), ...judgeImports(each)]]).filter(([, problems]) => problems!.length > 0))).toEqual({});
});

describe('npm install @vpmem/cli', () => {
  let folder: string;
  beforeAll(async () => {
    folder = join(work, 'cli');
    mkdirSync(folder);
    await run('npm', ['install', ...readInstallLine(folderOf('cli'))], { cwd: folder, env });
  });

  it('gives npx vpmem and npx vpmemd', async () => {
    expect((await run('npx', ['vpmem', '--version'], { cwd: folder, env })).stdout.trim()).toBe(versionOf('cli'));
    expect((await run('npx', ['vpmemd', '-version'], { cwd: folder, env })).stdout).toContain(versionOf('daemon'));
  });

  it('gives programs that run by their names, without npx', async () => {
    const bin = join(folder, 'node_modules/.bin');
    expect((await run(join(bin, 'vpmem'), ['explore', '--demo'], { cwd: folder, env })).stdout).toMatch(/With an fsync between record and header: \d+ states, none violated/);
    expect((await run(join(bin, 'vpmem'), ['demo'], { cwd: folder, env })).stdout).toContain('kill -9');
    expect((await run(join(bin, 'vpmem'), ['ps'], { cwd: folder, env })).stdout).toBeDefined();
  });
});

it('npm install -g @vpmem/cli gives vpmem on the path, and vpmemd beside it', async () => {
  const prefix = join(work, 'global');
  await run('npm', ['install', '-g', '--prefix', prefix, `${SCOPE}cli`, `${SCOPE}daemon`], { cwd: work, env });
  const path = { ...env, PATH: `${join(prefix, 'bin')}:${env.PATH}` };
  expect((await run('vpmem', ['--version'], { cwd: work, env: path })).stdout.trim()).toBe(versionOf('cli'));
  expect((await run('vpmemd', ['-version'], { cwd: work, env: path })).stdout).toContain(versionOf('daemon'));
});

/** All projects in one workspace of pnpm, where each sees what its README says to install, and each package its dependencies. */
describe.each(ALL ? ['pnpm, all at once', 'npm, in a folder of its own'] : ['pnpm, all at once'])('each library alone, by %s', (manner) => {
  const together = manner.startsWith('pnpm');
  let projects: ReadonlyMap<string, Project>;
  beforeAll(async () => {
    const root = join(work, together ? 'together' : 'alone');
    projects = new Map(libraries.map((name) => [name, new Project(`${SCOPE}${name}`, folderOf(name), join(root, name), TRIALS[name] ?? {})]));
    if (!together) return;
    for (const project of projects.values()) project.declare(versionOf('cli'));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'tries', private: true }));
    writeFileSync(join(root, 'pnpm-workspace.yaml'), JSON.stringify({ packages: ['*'], hoist: false, linkWorkspacePackages: false, ...pnpmFolders(join(work, 'client')) }));
    await run(process.execPath, [join(ROOT, 'node_modules/pnpm/bin/pnpm.cjs'), 'install'], { cwd: root, env });
  });

  describe.each(libraries)('@vpmem/%s', (name) => {
    const project = (): Project => projects.get(name)!;
    const { long, never, blocks = [0], prints = /^/ } = TRIALS[name] ?? {};
    const runs = never === undefined && (long === undefined || ALL);
    const title = runs ? 'has all that it exports, and runs example %i of its README' : `has all that it exports (its example does not run: ${never ?? `${long}, which it does with VPMEM_INSTALL=all`})`;

    it.each(runs ? blocks : [undefined])(title, async (block) => {
      if (!together && (block ?? 0) === (blocks[0] ?? 0)) await project().install(env);
      const { stdout } = await project().try(Object.keys(published(name).manifest.exports ?? {}), block, env);
      expect(stdout).toMatch(runs ? prints : /^$/);
    });
  });

  it('has types for the examples of all READMEs', async () => {
    const folder = join(work, together ? 'together' : 'alone');
    const files = [...projects.values()].flatMap((project) => project.writeExamples());
    const compilerOptions = { ...{ noEmit: true, strict: true, target: 'es2023', module: 'nodenext', skipLibCheck: false }, types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    expect((await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc6'), '-p', folder], { cwd: folder, env })).stdout).toBe('');
  });
});
