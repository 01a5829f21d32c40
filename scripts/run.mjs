// Runs a task of the workspace: `node scripts/run.mjs TASK`, which is what `npm start`, `npm test` and the others do.
// It first sets up whatever is missing, so that each of them works in a fresh clone with nothing but node and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInLanes } from './lanes.mjs';
import { byNode, testCommands } from './test-commands.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { engines, packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const environment = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  // Before the build, which is a load too.
  VPMEM_BENCH_LOAD: loadavg().join(' '),
  // One program for all files, see eslint.config.js.
  VPMEM_LINT: 'all',
  // The whole of what `npm test` has a share of.
  ...(process.argv[2] === 'test:long' ? { VPMEM_ALL: '1', VPMEM_EVERY_FLUSH: '1' } : {}),
};

const turbo = (...args) => ['turbo', 'run', ...args, '--output-logs=errors-only', '--log-prefix=none'];
// One task for all packages, which begins anew when any of them has changed.
const build = turbo('//#build:all');
const unit = ['vitest', 'run', '--config', 'vitest.unit.config.ts', `--maxWorkers=${availableParallelism()}`];
const processes = ['vitest', 'run', '--config', 'vitest.processes.config.ts', `--maxWorkers=${Math.min(2, availableParallelism())}`];
const oracle = ['vitest', 'run', '--config', 'vitest.oracles.config.ts', `--maxWorkers=${Math.min(2, availableParallelism())}`];
const prepare = ['tsx', 'testbed/scripts/prepare-testbed.ts'];
const guest = ['turbo', 'run', 'test:guest', '--concurrency=2', '--log-order=grouped', '--log-prefix=none'];
// Of all files eslint takes more memory than node allows unless it is told.
const lint = ['node', '--max-old-space-size=6144', 'node_modules/eslint/bin/eslint.js', '.'];
// One program for all packages: most of what a program of one package takes is what it imports.
const types = [
  ['tsc', '-p', 'tsconfig.all.json', '--singleThreaded'],
  // What runs in a browser has other globals.
  ...['dashboard/src/page', 'explorer-report/src/page', 'page-kit/src/dom'].map((each) => ['tsc', '-p', `packages/${each}`]),
];
const readme = ['tsx', 'scripts/check-readme.ts'];
const packed = ['tsx', 'scripts/check-package.ts'];
const docs = ['tsx', 'scripts/check-docs.ts'];
const release = ['tsx', 'scripts/check-release.ts'];
const titled = (commands) => commands.map((command) => ({ title: command.slice(0, 3).join(' '), command }));
// One after the other: some write files, which the next is not to come upon.
const written = { title: 'README examples, tarballs, docs, release', command: ['sh', '-ec', [readme, packed, docs, release].map((command) => command.join(' ')).join('\n')] };
const checks = [...titled([lint, ...types]), written];

// Of what the tests before it came to.
const conformance = ['tsx', 'scripts/write-conformance.ts', '--check'];

const install = ['vitest', 'run', '--config', 'vitest.install.config.ts'];

const fuzz = ['node', 'fuzz/dist/main.js'];

// Those that get corrections besides the one that `engines` begins with.
const otherNodes = ['22.23.3', '24.21.0'].flatMap((version) => ['vitest.unit.config.ts', 'vitest.processes.config.ts'].map((configuration) => byNode(version, 'node_modules/vitest/vitest.mjs', 'run', '--config', configuration)));

// For as long as it takes: what `npm test` does a few times.
const upgrades = ['pnpm', '--dir', 'apps/daemon', 'run', 'test:upgrades'];

const testbed = { title: 'testbed', command: prepare };
const fuzzed = { title: 'a share of the fuzzing', command: [...fuzz, '--share', '--jobs=1'] };
// What tells soonest that something is wrong comes while the testbed is downloaded.
const everything = [build, { lanes: [testbed, ...checks, ...testCommands(root, testbed.title), fuzzed] }, conformance];

/** Task names and the commands each runs after the set-up, one after the other, or a few at a time those in lanes. */
const tasks = {
  start: [build, ['node', 'apps/cli/dist/main.js', 'demo']],
  build: [build],
  check: [build, { lanes: checks }],
  lint: [lint],
  docs: [build, ['tsx', 'scripts/write-api.ts']],
  'test:unit': [build, unit],
  'test:process': [build, processes],
  'test:oracle': [build, oracle],
  'test:guest': [build, prepare, guest],
  test: everything,
  'test:long': everything,
  'test:install': [build, install],
  'test:node': [build, ...otherNodes],
  'test:fuzz': [build, [...fuzz, '--share']],
  fuzz: [build, fuzz],
  bench: [build, prepare, ['tsx', 'bench/src/main.ts']],
  survey: [build, ['tsx', 'survey/src/main.ts']],
  'test:upgrades': [build, prepare, upgrades],
};

/** Runs a command on this terminal and ends with its status unless that is 0. */
function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: environment, ...options });
  if (error !== undefined) fail(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(signal === null ? status : 1);
}

function fail(text) {
  process.stderr.write(`vpmem: ${text}\n`);
  process.exit(1);
}

function checkNode() {
  const wanted = engines.node.replace('>=', '').split('.').map(Number);
  const actual = process.versions.node.split('.').map(Number);
  const different = wanted.findIndex((part, i) => part !== actual[i]);
  if (different !== -1 && actual[different] < wanted[different]) {
    fail(`node ${engines.node} is needed, this is ${process.versions.node}`);
  }
}

/** Everything that decides what has to be installed, as one word. */
function fingerprint() {
  const manifests = workspaceFolders(root).map((folder) => `${folder}/package.json`);
  const hash = createHash('sha256');
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Installs what the lock file says, with pnpm by way of npm; does nothing when that has been done. */
function setUp() {
  checkNode();
  const stamp = join(root, 'node_modules', '.vpmem-set-up');
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stdout.write('vpmem: setting up: installing packages (the first time this takes about a minute)\n');
  run('npm', ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm', 'install', '--frozen-lockfile', '--reporter=append-only'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(stamp, wanted);
}

const [task = '', ...options] = process.argv.slice(2);
const commands = tasks[task];
if (commands === undefined) fail(`there is no task '${task}'; there is ${Object.keys(tasks).join(', ')}`);
setUp();
// What a user adds is for the program that the task is there for.
if (['bench', 'survey', 'fuzz'].includes(task)) commands.at(-1).push(...options);
for (const each of commands) {
  if (Array.isArray(each)) {
    run(each[0], each.slice(1));
    continue;
  }
  const failed = await runInLanes(each.lanes, { cwd: root, env: environment });
  if (failed.length > 0) fail(`failed: ${failed.join(', ')}`);
}
