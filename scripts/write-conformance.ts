/**
 * Writes docs/conformance.md from the statements, the reasons, and what the last run of every package's tests came to. With --check it
 * writes nothing, and fails if the page says something else. Run at the root, after `npm test` or all of its test parts.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { PAGE } from './docs/conformance-page.ts';
import { judge } from './docs/conformance.ts';
import { readStatementRuns } from './docs/statement-tests.ts';
import { readWorkspace } from './docs/workspace.ts';

const check = process.argv.includes('--check');
const runs = readStatementRuns(readWorkspace());
if (runs.missing.length > 0) {
  fail(`${PAGE} is made of the results of all tests; these have not run here: ${runs.missing.join(', ')}. npm test runs them`);
} else if (runs.withoutGuests) {
  // Whoever has no QEMU is told so by those tests; the page is of a run that had one.
  console.log(`${PAGE} is left as it is: tests that need a VM were skipped`);
} else {
  const { problems, page, figures } = judge(runs);
  for (const { file, text } of problems) fail(`${file}: ${text}`);
  if (!check) writeFileSync(PAGE, page);
  else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) fail(`${PAGE} is not what the tests came to; tsx scripts/write-conformance.ts writes it`);
  console.log(`${PAGE}: ${figures} of VIRTIO 1.4 have a test that passed`);
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 1;
}
