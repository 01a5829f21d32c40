// Loaded before each test file that runs under the oracle: a test is red if a flush was wrong while it ran.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';

const record = join(process.env.VPMEM_ORACLE_FOLDER ?? '', String(process.pid));
process.env.VPMEM_ORACLE_RECORD = record;
const violations = `${record}.violations`;
let known = 0;

// The first to be registered is the last to be called: after a test has ended what it started, and that has flushed.
afterEach(() => {
  writeFileSync(`${record}.ran`, '');
  judge();
});
afterAll(judge);

function judge(): void {
  const found = existsSync(violations) ? readFileSync(violations, 'utf8').split('\n').slice(0, -1) : [];
  const fresh = found.slice(known);
  known = found.length;
  if (fresh.length > 0) throw new Error(`under the oracle: ${fresh.join('\n')}`);
}
