import { databaseCases } from './cases/databases.ts';
import { fileSystemCases } from './cases/file-systems.ts';
import { fileCases } from './cases/files.ts';
import { sqliteCases } from './cases/sqlite.ts';
import { toolCases } from './cases/tools.ts';
import type { SurveyCase } from './survey-case.ts';

/** All cases, in the order of docs/findings.md. */
export const CASES: readonly SurveyCase[] = [...fileSystemCases, ...fileCases, ...sqliteCases, ...databaseCases, ...toolCases];
