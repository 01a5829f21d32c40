/**
 * Type-checks every ```ts block of a package's README, as a file of that package, against what it exports.
 * Run in the package's folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = '.readme';

const blocks = [...readFileSync('README.md', 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
if (blocks.length === 0) {
  console.error('README.md has no ```ts example');
  process.exit(1);
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
const files = blocks.map((block, i) => {
  const name = `example-${i + 1}.ts`;
  writeFileSync(`${FOLDER}/${name}`, block);
  return name;
});
writeFileSync(
  `${FOLDER}/tsconfig.json`,
  JSON.stringify({
    extends: relative(FOLDER, join(import.meta.dirname, '../tsconfig.base.json')),
    compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
    files,
  }),
);
try {
  execFileSync('tsc', ['-p', FOLDER], { stdio: 'inherit' });
} catch {
  console.error(`README.md: an example does not compile (kept in ${FOLDER}/)`);
  process.exit(1);
}
rmSync(FOLDER, { recursive: true, force: true });
