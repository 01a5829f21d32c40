import { readFileSync } from 'node:fs';
import { mergeReports, parseReport } from '@vpmem/explorer-report';
import { CliError } from '../cli-error.ts';
import { failed } from './explore-failure.ts';
import type { ExploreWords } from './explore-options.ts';
import { checkOutputs, putOut } from './explore-outputs.ts';

/** `vpmem explore --merge FILE…`: one report of those of all shards; the exit status is that of a run that was not parted. */
export function runMerge(files: readonly string[], words: ExploreWords): number {
  try {
    if (files.length === 0) throw new CliError('--merge wants the JSON reports of all shards');
    checkOutputs(words);
    const reports = files.map((file) => parseReport(readFileSync(file, 'utf8'), file));
    return putOut(mergeReports(reports, { files, allowMissing: words.allowMissing ?? false }), words);
  } catch (error) {
    return failed(error);
  }
}
