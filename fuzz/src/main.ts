import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { supervise, type Assignment } from './supervisor.ts';
import { LONG_SHARE, TARGETS } from './targets.ts';

/** The seed of `npm test`, whose runs are all the same. */
const SHARE_SEED = '1';
const shareFactor = process.env.VPMEM_ALL === '1' ? LONG_SHARE : 1;

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: Object.keys(TARGETS) },
    seconds: { type: 'string', default: '60' },
    executions: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    share: { type: 'boolean', default: false },
    replay: { type: 'string' },
  },
});

function fail(text: string): never {
  console.error(`fuzz: ${text}`);
  process.exit(1);
}

for (const name of ['seconds', 'executions', 'seed', 'jobs'] as const) {
  const value = values[name];
  if (value !== undefined && !/^\d+$/.test(value)) fail(`--${name} '${value}' is no number; it has to be one, such as ${name === 'jobs' ? 2 : 600}`);
}

function assignment(target: string): Assignment {
  const { share, replay, executions, seconds, seed } = values;
  const entry = TARGETS[target];
  if (entry === undefined) fail(`--target: there is no target '${target}'; there is ${Object.keys(TARGETS).join(', ')}`);
  if (replay !== undefined) return { target, args: ['--replay', replay] };
  if (share) return { target, args: ['--executions', String(entry.share * shareFactor), '--seed', SHARE_SEED] };
  return { target, args: ['--seed', seed, '--keep', ...(executions === undefined ? ['--seconds', seconds] : ['--executions', executions])] };
}

const waiting = values.target.map(assignment);
if (!values.share && values.replay === undefined) console.log(`fuzz: seed ${values.seed}`);
const work = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (!(await supervise(next))) process.exitCode = 1;
};
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
