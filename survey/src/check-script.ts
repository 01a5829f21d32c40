import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { variableLines, workloadScript } from './guest-recording.ts';
import type { SurveyCase } from './survey-case.ts';

const COMMON = fileURLToPath(new URL('../workloads/check.sh', import.meta.url));

/** Writes a case's checker, all of it in one file. `tree`: folder of the programs that it runs; without one they are the machine's own. */
export function writeCheckScript(each: SurveyCase, path: string, tree: string | undefined): void {
  const variables = { ...each.variables, FS: each.fs, ...(tree === undefined ? {} : { SURVEY_TREE: tree }) };
  writeFileSync(path, ['#!/bin/sh\nexport LC_ALL=C\n', variableLines(variables), readFileSync(COMMON, 'utf8'), workloadScript(each, 'check.sh')].join(''));
  chmodSync(path, 0o755);
}
