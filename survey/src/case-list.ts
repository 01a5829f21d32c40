import { databaseCases } from './cases/databases.ts';
import { fileSystemCases } from './cases/file-systems.ts';
import { fileCases } from './cases/files.ts';
import { sqliteCases } from './cases/sqlite.ts';
import { toolCases } from './cases/tools.ts';
import { JUDGEMENTS } from './judgements.ts';
import type { SurveyCase } from './survey-case.ts';

/** All cases, in the order of docs/findings.md. */
export const CASES: readonly SurveyCase[] = [...fileSystemCases, ...fileCases, ...sqliteCases, ...databaseCases, ...toolCases].map((each) => {
  const judgement = JUDGEMENTS[each.name];
  return judgement === undefined ? each : { ...each, judgement };
});
