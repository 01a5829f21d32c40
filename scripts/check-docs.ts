/** Compares what the documentation says with what is on disk. Run at the root; every line is FILE: what is wrong, what would be right. */
import { existsSync, readdirSync } from 'node:fs';
import { checkCitations } from './docs/citations.ts';
import { checkConformance } from './docs/conformance.ts';
import { checkImportCycles } from './docs/import-cycles.ts';
import { checkLayers } from './docs/layers.ts';
import { checkLinks } from './docs/links.ts';
import { checkPackageLinks, checkPackageTable } from './docs/package-table.ts';
import { checkReadmeCommands } from './docs/readme-commands.ts';
import { checkSkeleton } from './docs/skeleton.ts';
import { checkSourceSize } from './docs/source-size.ts';
import { findFiles, readWorkspace } from './docs/workspace.ts';
import { workspaceFolders } from './workspace-folders.mjs';

const packages = readWorkspace();
const beside = workspaceFolders('.').filter((folder) => !folder.includes('/'));
const readmes = [...packages.map(({ folder }) => folder), ...beside, 'examples/explore'].map((folder) => `${folder}/README.md`).filter((file) => existsSync(file));
const pages = [...readdirSync('.').filter((name) => name.endsWith('.md')), ...findFiles('docs', '.md'), ...readmes];
const sources = [...packages.flatMap(({ sources: own }) => own.map(({ file }) => file)), ...beside.flatMap((folder) => findFiles(folder, '.ts'))];

const problems = [
  ...checkPackageLinks('README.md', packages),
  ...checkPackageTable('ARCHITECTURE.md', 'holds', packages),
  ...checkLayers('ARCHITECTURE.md', packages),
  ...checkImportCycles(packages),
  ...checkSkeleton(packages),
  ...checkLinks(pages),
  ...checkReadmeCommands('README.md'),
  ...checkCitations('docs/specs.md', [...sources, ...readmes]),
  ...checkSourceSize(packages),
  ...checkConformance(),
];
for (const { severity, file, text } of problems) console.error(`${file}: ${severity === 'warning' ? 'warning: ' : ''}${text}`);
if (problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
