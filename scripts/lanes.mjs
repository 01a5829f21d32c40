// Commands in two lanes, as there are two cores, each command with one worker of its own.
import { spawn } from 'node:child_process';

const LANES = 2;
const SHOWN = 8;

/**
 * Runs commands two at a time, in their order, all of them whatever becomes of one. The output of each comes at its end, so that no
 * two are mixed.
 *
 * @param commands `{ title, command: [program, ...args] }`; what takes longest belongs at the beginning, or a core waits for it in the end
 * @returns titles of those that failed
 */
export async function runInLanes(commands, options) {
  const waiting = [...commands];
  const failed = [];
  const times = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const began = performance.now();
      const { status, output } = await ending(next.command, options);
      process.stdout.write(output);
      times.push([Math.round((performance.now() - began) / 1000), next.title]);
      if (status !== 0) failed.push(next.title);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const longest = times.sort(([a], [b]) => b - a).slice(0, SHOWN);
  process.stdout.write(`\nvpmem: what took longest: ${longest.map(([seconds, title]) => `${title} ${seconds} s`).join(', ')}\n`);
  return failed;
}

function ending([program, ...args], { cwd, env }) {
  const child = spawn(program, args, { cwd, env: { ...env, VITEST_MAX_WORKERS: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ status: 1, output: `vpmem: cannot run ${program}: ${message}\n` }));
    child.once('close', (status) => resolve({ status, output: Buffer.concat(output) }));
  });
}
