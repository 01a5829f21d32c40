import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExploreReport } from '@vpmem/explorer';
import { formatReport, toHtml, toJunit } from '@vpmem/explorer-report';
import { CliError } from '../cli-error.ts';
import { hasColors } from '../terminal/terminal-colors.ts';
import type { ExploreWords } from './explore-options.ts';

const FORMS = [
  ['json', (report: ExploreReport) => `${JSON.stringify(report, undefined, 2)}\n`],
  ['junit', toJunit],
  ['html', toHtml],
] as const;

/** Looks whether the files can be written before hours are spent on what goes into them. @throws CliError that names the option */
export function checkOutputs(words: ExploreWords): void {
  for (const [name] of FORMS) {
    const path = words[name];
    if (path === undefined) continue;
    if (path === '') throw new CliError(`--${name}: the name of a file is missing`);
    if (existsSync(path) && statSync(path).isDirectory()) throw new CliError(`--${name} ${path}: it is a folder; a file is wanted`);
    try {
      accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
    } catch (error) {
      throw new CliError(`--${name} ${path}: it cannot be written (${(error as NodeJS.ErrnoException).code ?? ''})`, { cause: error });
    }
  }
}

/** Makes the folder for recordings of recoveries, unless it is there. @throws CliError that names the option */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new CliError(`--second-cut ${folder}: it cannot be written to (${(error as NodeJS.ErrnoException).code ?? ''}); a folder is wanted`, { cause: error });
  }
}

/** Writes the report into the files that were asked for. @throws CliError that names the option */
export function writeReports(report: ExploreReport, words: ExploreWords): void {
  for (const [name, write] of FORMS) {
    const path = words[name];
    if (path === undefined) continue;
    try {
      writeFileSync(path, write(report));
    } catch (error) {
      throw new CliError(`--${name} ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** The report at the terminal, and in the files that were asked for; the exit status: 1 if something was violated. @throws CliError */
export function putOut(report: ExploreReport, words: ExploreWords): number {
  writeReports(report, words);
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  process.stdout.write(`${formatReport(report, { colors: hasColors(process.stdout), ...(width === undefined ? {} : { width }) })}\n`);
  return report.failures.length > 0 || report.secondCuts?.some(({ failures }) => failures.length > 0) === true ? 1 : 0;
}
