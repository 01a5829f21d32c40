/** Writes docs/conformance.md from the statements, the reasons and the names of the tests. Run at the root. */
import { writeFileSync } from 'node:fs';
import { conformancePage, PAGE } from './docs/conformance-page.ts';
import { findings, readReasons, readRows } from './docs/conformance-rows.ts';
import { readTestTitles } from './docs/test-titles.ts';

const tests = readTestTitles();
writeFileSync(PAGE, conformancePage(findings(readRows(), readReasons(), tests), tests));
