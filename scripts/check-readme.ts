/**
 * Type-checks every ```ts block of packages' READMEs, each as a file of its package, against what that exports: of the package in the
 * current folder, or at the root those of all packages, as one program.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readExamples } from './docs/readme-examples.ts';
import { workspaceFolders } from './workspace-folders.mjs';

const FOLDER = '.readme';

const packages = existsSync('pnpm-workspace.yaml') ? allWithExamples() : ['.'];
const files: string[] = [];
for (const each of packages) {
  const examples = writeExamples(each);
  if (examples.length === 0) fail(`${join(each, 'README.md')} has no \`\`\`ts example`);
  files.push(...examples);
}
if (process.exitCode === undefined) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({
      extends: relative(FOLDER, join(import.meta.dirname, '../tsconfig.base.json')),
      compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
      files: files.map((file) => relative(FOLDER, file)),
    }),
  );
  try {
    execFileSync('tsc', ['-p', FOLDER], { stdio: 'inherit' });
    for (const each of ['.', ...packages]) rmSync(join(each, FOLDER), { recursive: true, force: true });
  } catch {
    fail(`README.md: an example does not compile (kept in ${FOLDER}/ of its package)`);
  }
}

/** Folders of the packages whose `typecheck` ends with this script. */
function allWithExamples(): string[] {
  return workspaceFolders('.').filter((each) => /"typecheck": ".*check-readme/.test(readFileSync(join(each, 'package.json'), 'utf8')));
}

/** @returns the files written */
function writeExamples(folder: string): string[] {
  rmSync(join(folder, FOLDER), { recursive: true, force: true });
  mkdirSync(join(folder, FOLDER));
  return readExamples(folder).map((block, i) => {
    const file = join(folder, FOLDER, `example-${i + 1}.ts`);
    writeFileSync(file, block);
    return file;
  });
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 1;
}
