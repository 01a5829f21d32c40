import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCorpus, writeCorpus } from './corpus.ts';
import { pointCount, stepCount } from './coverage.ts';
import { corpusFile, FOUND, saveFinding } from './findings.ts';
import { FlightRecorder } from './flight-recorder.ts';
import { Fuzzer, type Progress } from './fuzzer.ts';
import { distil, shorten } from './minimise.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';
import { tryInput } from './trial.ts';

// One target in a process of its own, which was started with `--import instrumented.js`.

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    executions: { type: 'string' },
    seconds: { type: 'string' },
    record: { type: 'string' },
    replay: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
/** How often the time is looked at, in executions. */
const LOOK = 64;
const REPORT_MS = 60_000;
/** Where findings are what one is after; otherwise one is enough to know. */
const MOST_FINDINGS = 8;
const SAVE_MS = 600_000;

const name = values.target;
const loadedTarget = await TARGETS[name]?.load();
if (loadedTarget === undefined) throw new RangeError(`--target: there is no target '${name}'; there is ${Object.keys(TARGETS).join(', ')}`);
const recorder = values.record === undefined ? undefined : new FlightRecorder(values.record, loadedTarget.maxLength);
const target = recorder?.watch(loadedTarget) ?? loadedTarget;
process.exitCode = values.replay === undefined ? await campaign(target) : await replay(target, values.replay);
recorder?.close();

async function replay(on: Target, file: string): Promise<number> {
  const input = readFileSync(file);
  const finding = await tryInput(on, input);
  console.log(finding === undefined ? `${name}: nothing wrong (${stepCount()} steps)` : finding.error.stack);
  return finding === undefined ? 0 : FOUND;
}

async function campaign(on: Target): Promise<number> {
  const began = performance.now();
  const fuzzer = new Fuzzer(on, { seed: Number(values.seed), mostFindings: values.keep ? MOST_FINDINGS : 1 });
  const say = (): void => {
    const seconds = (performance.now() - began) / 1000;
    const { executions, points, features, corpus } = fuzzer.progress;
    const { user, system } = process.cpuUsage();
    const cpu = ((user + system) / 1e6).toFixed(1);
    console.log(`${name}: ${executions} executions in ${seconds.toFixed(0)} s (${cpu} s of CPU), ${points} of ${pointCount()} points, ${features} features, ${corpus} inputs (${fuzzer.digest}), ${fuzzer.findings.length} findings`);
  };
  await fuzzer.begin(readCorpus(corpusFile(name)));
  const limit = enough(began);
  let reported = began;
  for (let over = false; !over; ) {
    const save = performance.now() + SAVE_MS;
    await fuzzer.run((progress) => {
      over = limit(progress);
      if (over || progress.executions % LOOK !== 0) return over;
      const now = performance.now();
      if (now - reported > REPORT_MS) {
        reported = now;
        say();
      }
      return values.keep && now > save;
    });
    over ||= fuzzer.full;
    if (values.keep) writeCorpus(corpusFile(name), await distil(on, [...on.seeds, ...fuzzer.corpus]));
  }
  say();
  for (const { input, error, key } of fuzzer.findings) {
    const shortest = await shorten(input, async (candidate) => (await tryInput(on, candidate))?.key === key);
    console.log(saveFinding(name, shortest, (await tryInput(on, shortest))?.error.stack ?? String(error)));
  }
  return fuzzer.findings.length > 0 ? FOUND : 0;
}

function enough(began: number): (progress: Progress) => boolean {
  const { executions, seconds } = values;
  if (executions !== undefined) return (progress) => progress.executions >= Number(executions);
  const end = began + Number(seconds) * 1000;
  return (progress) => progress.executions % LOOK === 0 && performance.now() >= end;
}
