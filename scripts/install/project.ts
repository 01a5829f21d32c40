import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { readExamples, readInstallLine } from '../docs/readme-examples.ts';
import { run, type Printed } from './command.ts';
import type { Trial } from './trials.ts';

/** A user's folder, in which one package is installed and tried as its README says. */
export class Project {
  /** What is installed, by the names of npm. */
  readonly packages: readonly string[];
  /** The library's name in the registry. */
  readonly library: string;
  readonly folder: string;
  readonly #trial: Trial;
  readonly #examples: readonly string[];

  /** @param source the folder of the library's README @param folder of the project, made here */
  constructor(library: string, source: string, folder: string, trial: Trial) {
    this.library = library;
    this.folder = folder;
    this.#trial = trial;
    this.#examples = readExamples(source);
    this.packages = [...readInstallLine(source), ...(trial.packages ?? [])];
    mkdirSync(folder, { recursive: true });
  }

  /** Says in a package.json what is wanted, for an installation of all projects at once. */
  declare(version: string): void {
    const dependencies = Object.fromEntries(this.packages.map((name) => [name, version]));
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ name: `try-${this.library.replace(/^.*\//, '')}`, private: true, type: 'module', dependencies }));
  }

  /** Installs what the README says to, by npm and in a folder where nothing else is. */
  async install(env: NodeJS.ProcessEnv): Promise<void> {
    await run('npm', ['install', ...this.packages], { cwd: this.folder, env });
  }

  /** Writes the examples, to be looked at by the compiler. @returns the files */
  writeExamples(): string[] {
    return this.#examples.map((text, i) => {
      const file = join(this.folder, `example-${i + 1}.ts`);
      writeFileSync(file, text);
      return file;
    });
  }

  /**
   * Imports all that the library exports, then runs a block of the README as a program of this folder. What READMEs call the folder of
   * user 1000 is this run's.
   *
   * @param exports as package.json has them
   * @param block counted from 0; without, nothing is run
   */
  async try(exports: readonly string[], block: number | undefined, env: NodeJS.ProcessEnv): Promise<Printed> {
    const entries = exports.filter((entry) => !entry.endsWith('.json')).map((entry) => `${this.library}${entry.slice(1)}`);
    if (block !== undefined) {
      const text = ts.transpile(this.#examples[block] ?? '', { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true });
      const own = text.replaceAll('/run/user/1000', env.XDG_RUNTIME_DIR ?? '');
      writeFileSync(join(this.folder, 'example.mjs'), [this.#trial.before ?? '', own, this.#trial.after ?? ''].join('\n'));
      entries.push('./example.mjs');
    }
    writeFileSync(join(this.folder, 'try.mjs'), entries.map((name) => `await import('${name}');\n`).join(''));
    return await run('node', ['try.mjs'], { cwd: this.folder, env });
  }
}
