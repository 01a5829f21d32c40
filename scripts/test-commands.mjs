// What tests there are, in commands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceFolders } from './workspace-folders.mjs';

const VITEST = ['vitest', 'run', '--config'];

/** What is an app's is a command of its own, as it takes long; all others are two, for which vitest starts once each. */
const PROCESSES = [
  ['apps/cli', ['apps/cli/']],
  ['apps/daemon', ['apps/daemon/']],
  ['packages, a half:', ['--exclude', 'apps/**', '--shard=1/2']],
  ['packages, the other:', ['--exclude', 'apps/**', '--shard=2/2']],
];

/**
 * What takes longest, in that order; the others follow. Were the guests of the command line to begin last, one core would have nothing
 * to do for ten minutes.
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
  'packages, a half: test:process',
  'packages, the other: test:process',
  'all test:install',
  'all test',
  'all test:oracle',
];

/** The tests of all packages and kinds, what takes longest first, guests when the command of the title `testbed` has ended. */
export function testCommands(root, testbed) {
  const guests = workspaceFolders(root).flatMap((folder) => {
    const { scripts = {} } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    return scripts['test:guest'] === undefined ? [] : [{ ...guest(root, folder, scripts['test:guest']), after: testbed }];
  });
  const processes = PROCESSES.map(([title, which]) => ({ title: `${title} test:process`, command: [...VITEST, 'vitest.processes.config.ts', ...which] }));
  // Packages as users get them: of all that was built, so turbo could not tell when it has to run again.
  const install = { title: 'all test:install', command: [...VITEST, 'vitest.install.config.ts'] };
  const unit = { title: 'all test', command: [...VITEST, 'vitest.unit.config.ts'] };
  const oracle = { title: 'all test:oracle', command: [...VITEST, 'vitest.oracles.config.ts'] };
  // A share of `npm run test:node`: two processes of the newest, one of which is killed, and a guest of our own.
  const otherNode = { title: 'vpmem demo by node 24', command: byNode('24.21.0', 'apps/cli/dist/main.js', 'demo') };
  return [...guests, ...processes, install, unit, oracle, otherNode].sort((a, b) => rank(a) - rank(b));
}

/** A command of another version of node, which npm fetches. */
export function byNode(version, ...words) {
  return ['npm', 'exec', '--yes', `--package=node@${version}`, '--', 'node', ...words];
}

/** What is never kept: turbo would take two seconds to come to that. All that it needs has been built. */
function guest(root, folder, script) {
  return { title: `${folder} test:guest`, command: ['sh', '-c', script], cwd: join(root, folder) };
}

function rank({ title }) {
  const at = FIRST.indexOf(title);
  return at === -1 ? FIRST.length : at;
}
