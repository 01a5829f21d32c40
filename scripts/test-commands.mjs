// What tests there are: a command of turbo for each.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceFolders } from './workspace-folders.mjs';

/** Of these each package's are a command of its own. */
const APART = ['test:guest', 'test:process'];
/** Of this all packages' are one, as those of a package take seconds, and so does turbo's start. */
const TOGETHER = ['test:oracle'];

/**
 * What takes longest, in that order; the others follow by kind. turbo by itself would begin with what nothing depends on, and so come
 * last to the guests of the command line: ten minutes, in which one core has nothing to do.
 */
const FIRST = [
  'apps/cli test:guest',
  'apps/daemon test:guest',
  'testbed test:guest',
  'packages/served-machine test:guest',
  'packages/log-writes test:guest',
  'packages/guest-place test:guest',
  'packages/nvdimm test:guest',
  'apps/cli test:process',
  'apps/daemon test:process',
  'packages/qmp test:process',
  'all test:install',
  'all test',
  'all test:oracle',
];

/** The tests of all packages and kinds, what takes longest first. Of processes and the oracle, turbo does not run again what has passed and was not changed. */
export function testCommands(root) {
  const apart = workspaceFolders(root).flatMap((folder) => {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    return APART.filter((kind) => scripts[kind] !== undefined).map((kind) => (kind === 'test:guest' ? uncached(root, folder, kind, scripts[kind]) : command(folder, kind, `--filter=${name}`)));
  });
  // Packages as users get them: of all that was built, so turbo could not tell when it has to run again.
  const install = { title: 'all test:install', kind: 'test:install', command: ['vitest', 'run', '--config', 'vitest.install.config.ts'] };
  const unit = { title: 'all test', kind: 'test', command: ['vitest', 'run', '--config', 'vitest.unit.config.ts'] };
  return [...apart, install, unit, ...TOGETHER.map((kind) => command('all', kind))].sort((a, b) => rank(a) - rank(b));
}

/** What is never kept: turbo would take two seconds to come to that. All that it needs has been built. */
function uncached(root, folder, kind, script) {
  return { title: `${folder} ${kind}`, kind, command: ['sh', '-c', script], cwd: join(root, folder) };
}

function command(folder, kind, ...filter) {
  return { title: `${folder} ${kind}`, kind, command: ['turbo', 'run', kind, ...filter, '--concurrency=1', '--log-prefix=none'] };
}

function rank({ title, kind }) {
  const at = FIRST.indexOf(title);
  return at === -1 ? FIRST.length + APART.indexOf(kind) : at;
}
