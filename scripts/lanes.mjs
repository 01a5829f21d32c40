// Commands in lanes, each command with one worker of its own.
import { spawn } from 'node:child_process';

/** Two cores, and a third lane for the tenth of their time in which commands wait for a clock, or for a process to end. */
const LANES = 3;
const SHOWN = 8;
const REPEATED_LINES = 60;
/** Runs the words behind it; what they took of a processor goes to the fourth descriptor. */
const TIMED = ['sh', '-c', '"$@" 3>&-; status=$?; times >&3; exit $status', 'sh'];

/**
 * Runs commands a few at a time, in their order, all of them whatever becomes of one. The output of each comes at its end, so that no
 * two are mixed; what matters of those that failed comes once more at the end, where a reader of a long log looks.
 *
 * @param commands `{ title, command: [program, ...args] }`; `cwd` where that is not the one of the options; `after`, the title of one before it that has to have ended. What takes longest belongs at the beginning, or a core waits for it in the end
 * @returns titles of those that failed
 */
export async function runInLanes(commands, options) {
  const waiting = [...commands];
  const underWay = new Map();
  const failed = [];
  const times = [];
  const run = async ({ title, command, cwd = options.cwd, after }) => {
    await underWay.get(after);
    const began = performance.now();
    const { status, output, processor } = await ending(command, { ...options, cwd });
    process.stdout.write(output);
    times.push([Math.round((performance.now() - began) / 1000), title, processor]);
    if (status !== 0) failed.push({ title, output });
    underWay.delete(title);
  };
  const lane = async () => {
    while (waiting.length > 0) {
      const free = waiting.findIndex(({ after }) => !underWay.has(after));
      const [next] = waiting.splice(Math.max(free, 0), 1);
      const ended = run(next);
      underWay.set(next.title, ended);
      await ended;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const longest = times.sort(([a], [b]) => b - a).slice(0, SHOWN);
  const words = longest.map(([seconds, title, processor]) => `${title} ${seconds} s (${processor} s of a core)`);
  process.stdout.write(`\nvpmem: what took longest: ${words.join(', ')}; in all ${times.reduce((sum, [, , each]) => sum + each, 0)} s of a core\n`);
  for (const { title, output } of failed) process.stdout.write(`\nvpmem: ${title} failed:\n${whatFailed(output)}\n`);
  return failed.map(({ title }) => title);
}

/** What vitest sums up in the end, of which the beginning matters most; of other programs the last lines. */
function whatFailed(output) {
  const lines = output.trimEnd().split('\n');
  const summary = lines.findIndex((line) => /Failed (Suites|Tests) \d/.test(line));
  return (summary === -1 ? lines.slice(-REPEATED_LINES) : lines.slice(summary, summary + REPEATED_LINES)).join('\n');
}

function ending(command, { cwd, env }) {
  const child = spawn(TIMED[0], [...TIMED.slice(1), ...command], { cwd, env: { ...env, VITEST_MAX_WORKERS: '1' }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const [output, times] = [[], []];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
  child.stdio[3].on('data', (bytes) => times.push(bytes));
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ status: 1, output: `vpmem: cannot run ${command[0]}: ${message}\n`, processor: 0 }));
    child.once('close', (status) => resolve({ status, output: Buffer.concat(output).toString(), processor: processorSeconds(Buffer.concat(times).toString()) }));
  });
}

/** Of the four times that `times` of a shell tells, user and system of its own and of its children: `1m2.5s`. */
function processorSeconds(text) {
  const seconds = [...text.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
  return Math.round(seconds);
}
