import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { supervise, type Assignment } from './supervisor.ts';
import { TARGETS } from './targets.ts';

/** The seed of `npm test`, whose runs are all the same. */
const SHARE_SEED = '1';

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

function assignment(target: string): Assignment {
  const { share, replay, executions, seconds, seed } = values;
  const entry = TARGETS[target];
  if (entry === undefined) throw new RangeError(`--target: there is no target '${target}'; there is ${Object.keys(TARGETS).join(', ')}`);
  if (replay !== undefined) return { target, args: ['--replay', replay] };
  if (share) return { target, args: ['--executions', String(entry.share), '--seed', SHARE_SEED] };
  return { target, args: ['--seed', seed, '--keep', ...(executions === undefined ? ['--seconds', seconds] : ['--executions', executions])] };
}

if (!values.share && values.replay === undefined) console.log(`fuzz: seed ${values.seed}`);
const waiting = values.target.map(assignment);
const work = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (!(await supervise(next))) process.exitCode = 1;
};
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
