/**
 * Tries a release in a copy: raises versions as `npx changeset version` would now, and looks at what comes of it. A package that was
 * never released gets 0.1.0, all that are raised get one version, and each changelog says what is new and nothing else. Run at the root.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { list } from './docs/problem.ts';
import { readManifest } from './docs/workspace.ts';
import { publishedFolders, workspaceFolders } from './workspace-folders.mjs';

const FIRST = '0.1.0';
/** What a changelog is not to have: commits, lists of dependencies, what is left of a merge. */
const NOISE = /^\s*- [0-9a-f]{7,40}\b|Updated dependencies|^[<>=]{7}/m;

const folders = workspaceFolders('.');
const waiting = readdirSync('.changeset').filter((name) => name.endsWith('.md'));
const copy = mkdtempSync(join(tmpdir(), 'vpmem-release-'));
try {
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.changeset', ...folders.flatMap((folder) => ['package.json', 'CHANGELOG.md'].map((name) => join(folder, name)))]) {
    if (!existsSync(file)) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(file, join(copy, file), { recursive: true });
  }
  // It asks git for the commits of changesets.
  execFileSync('git', ['init', '--quiet'], { cwd: copy });
  execFileSync(join(process.cwd(), 'node_modules/.bin/changeset'), ['version'], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const problem of judge()) {
    console.error(problem);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`changeset version: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** One line for each thing that is wrong. */
function judge(): string[] {
  const left = readdirSync(join(copy, '.changeset')).filter((name) => name.endsWith('.md'));
  const released = publishedFolders('.');
  const raised = released.filter((folder) => versionAfter(folder) !== readManifest(join(folder, 'package.json')).version);
  const versions = [...new Set(raised.map(versionAfter))];
  return [
    ...(left.length > 0 ? [`.changeset: ${list(left)} would be left; changesets are of packages that are published`] : []),
    ...(waiting.length > 0 && raised.length === 0 ? ['.changeset: there are changesets, and no version would be raised'] : []),
    ...(versions.length > 1 ? [`package.json: versions would be ${list(versions)}; all packages have one, see 'linked' in .changeset/config.json`] : []),
    ...released.filter((folder) => versionAfter(folder).startsWith('0.0.')).map((folder) => `${folder}: would not be released; write .changeset/first-NAME.md for it, 'minor', which makes it ${FIRST}`),
    ...raised.flatMap(judgeChangelog),
  ];
}

function versionAfter(folder: string): string {
  return readManifest(join(copy, folder, 'package.json')).version ?? '';
}

function judgeChangelog(folder: string): string[] {
  const file = join(folder, 'CHANGELOG.md');
  const version = versionAfter(folder);
  const text = existsSync(join(copy, file)) ? readFileSync(join(copy, file), 'utf8') : '';
  const entry = text.split(/^## (?=\d)/m).find((part) => part.startsWith(`${version}\n`))?.slice(version.length) ?? '';
  const said = entry.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')).join('\n');
  const [noise] = NOISE.exec(said) ?? [];
  return [
    // Who is raised with the others and has nothing new needs no words.
    ...(said === '' && (version === FIRST || entry.includes('###')) ? [`${file}: says nothing of ${version}`] : []),
    ...(noise === undefined ? [] : [`${file}: has '${noise.trim()}', which no user is helped by; see .changeset/changelog.cjs`]),
  ];
}
