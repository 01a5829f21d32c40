// Writes the manual pages of what was built, of the tables that its help is made of.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
execFileSync(process.execPath, [here('dist/main.js'), 'write-manual', here('dist/man')], { stdio: 'inherit' });
