import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { splitName } from './statement-name.ts';

/** Below a package: what its last run of each kind came to. */
export const RESULTS_FOLDER = '.statements';

/** Which of a package's tests: those of `test`, `test:process`, `test:guest`. */
type Kind = 'unit' | 'process' | 'guest';
type State = 'passed' | 'failed' | 'skipped';

/** Of the tests of one file whose names begin with ids of statements, how those of a name went. */
export type FileResults = Readonly<Record<string, State>>;
/** By file, from the package's folder. */
export type Results = Readonly<Record<string, FileResults>>;

/**
 * Writes down how tests of statements of VIRTIO went, of which docs/conformance.md is made. A run of some files leaves what is
 * known of the others.
 */
export class StatementReporter implements Reporter {
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const packages = new Map<string, TestModule[]>();
    for (const module of modules) {
      const root = packageOf(module.moduleId);
      packages.set(root, [...(packages.get(root) ?? []), module]);
    }
    for (const [root, own] of packages) this.#write(root, own);
  }

  #write(root: string, modules: readonly TestModule[]): void {
    const folder = join(root, RESULTS_FOLDER);
    const file = join(folder, `${this.#kind}.json`);
    const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : {};
    const kept = Object.entries(before).filter(([path]) => existsSync(join(root, path)));
    const now = modules.map((module) => [relative(root, module.moduleId), resultsOf(module)] as const);
    const results: Results = Object.fromEntries([...kept, ...now].sort(([a], [b]) => (a < b ? -1 : 1)));
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
  }
}

/** The folder of the package that a file is in: a run may be of many. */
function packageOf(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) if (existsSync(join(folder, 'package.json'))) return folder;
  throw new Error(`${file} is in no package: no folder above it has a package.json`);
}

/** The same name under several groups counts as failed if any of them failed, and as passed if any other did. */
function resultsOf(module: TestModule): FileResults {
  const results: Record<string, State> = {};
  for (const test of module.children.allTests()) {
    if (splitName(test.name) === undefined) continue;
    const { state } = test.result();
    const other = results[test.name];
    if (state === 'failed' || other === 'failed') results[test.name] = 'failed';
    else results[test.name] = state === 'passed' || other === 'passed' ? 'passed' : 'skipped';
  }
  return results;
}
