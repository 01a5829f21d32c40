/**
 * Packs packages and lets publint and attw judge the tarballs, as npm would deliver them: the package in the current folder, or at the
 * root all that are published, in one process.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { publishedFolders } from './workspace-folders.mjs';

/** What is published, as pnpm filters it. */
const PUBLISHED = ['./packages/*', './apps/*', './testbed'];
/** Ways to resolve a module that a package of ES modules does not serve: attw's profile `esm-only`. */
const NOT_SERVED: readonly string[] = ['node10', 'node16-cjs'];

const all = existsSync('pnpm-workspace.yaml');
const wanted = all ? publishedFolders('.').length : 1;
const folder = mkdtempSync(join(tmpdir(), 'vpmem-pack-'));
try {
  const filters = all ? ['--recursive', ...PUBLISHED.map((each) => `--filter=${each}`)] : [];
  execFileSync('pnpm', [...filters, 'pack', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  if (tarballs.length !== wanted) throw new Error(`pnpm pack made ${tarballs.length} tarballs of ${wanted}`);
  for (const name of tarballs) {
    for (const problem of await judge(readFileSync(join(folder, name)))) {
      console.error(`${name}: ${problem}`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns one line for each thing that is wrong */
async function judge(bytes: Buffer): Promise<string[]> {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball }, level: 'warning', strict: true });
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
  const problems = analysis.types === false ? [] : analysis.problems;
  return [
    ...messages.map((message) => `publint: ${formatMessage(message, pkg) ?? message.code}`),
    ...problems.filter(isServed).map((problem) => `attw: ${problemKindInfo[problem.kind].shortDescription}: ${JSON.stringify(problem)}`),
  ];
}

function isServed(problem: Problem): boolean {
  return !('resolutionKind' in problem) || !NOT_SERVED.includes(problem.resolutionKind);
}
