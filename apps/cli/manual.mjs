// Writes the manual pages of what was built, of the tables that its help is made of.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
// As who packs for others asks: https://reproducible-builds.org/docs/source-date-epoch/
const date = process.env.SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000);
execFileSync(process.execPath, [here('dist/main.js'), 'write-manual', here('dist/man'), date.toISOString().slice(0, 10)], { stdio: 'inherit' });
