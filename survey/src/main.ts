// `npm run survey -- NAME…` records the named cases, explores what was recorded, and writes survey/results/NAME.json and docs/findings.md.
// A name may be the beginning of several; without one it is all of them. A recording that is there is taken as it is, unless with `--again`.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { requireTestbed, type Testbed } from '@vpmem/testbed';
import { CASES } from './case-list.ts';
import { explore, type ExplorationOptions } from './exploration.ts';
import { writeFindings } from './findings.ts';
import { recordCase } from './guest-recording.ts';
import type { SurveyCase } from './survey-case.ts';
import { writeResult } from './survey-result.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    'record-only': { type: 'boolean', default: false },
    'findings-only': { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    out: { type: 'string', default: 'survey-out' },
    where: { type: 'string', default: 'host' },
    budget: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '7' },
  },
});

/** Cases by their names, or by the beginnings of them; all if none is named. */
function chosen(): SurveyCase[] {
  const unknown = positionals.find((name) => !CASES.some((each) => each.name.startsWith(name)));
  if (unknown !== undefined) throw new Error(`no case begins with '${unknown}'; --list says which there are`);
  return CASES.filter(({ name }) => positionals.length === 0 || positionals.some((each) => name === each || (!CASES.some((other) => other.name === each) && name.startsWith(each))));
}

/** A number of a command line. */
function whole(option: 'budget' | 'jobs' | 'seed', text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${option} ${text}: a whole number is wanted`);
  return Number(text);
}

async function main(): Promise<void> {
  if (values.list) {
    for (const { name, subject, what } of chosen()) console.log(`${name.padEnd(32)} ${subject}: ${what}`);
    return;
  }
  if (values['findings-only']) {
    writeFindings();
    return;
  }
  const { where } = values;
  if (where !== 'host' && where !== 'guest') throw new Error(`--where ${where}: host or guest is wanted`);
  const options = { where, jobs: whole('jobs', values.jobs), seed: whole('seed', values.seed), ...(values.budget === undefined ? {} : { budget: whole('budget', values.budget) }) } as const;
  const { testbed, reason } = await requireTestbed();
  if (testbed === undefined) throw new Error(`there is no guest to record: ${reason}`);
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  for (const each of chosen()) {
    // What one case comes to says nothing of the others.
    await survey(testbed, each, out, options).catch(complain);
  }
}

async function survey(testbed: Testbed, each: SurveyCase, out: string, options: ExplorationOptions): Promise<void> {
  const file = join(out, `${each.name}.vpmrec`);
  if (values.again || !existsSync(file)) {
    const began = performance.now();
    await recordCase(testbed, each, file);
    console.log(`${each.name}: recorded in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  if (values['record-only']) return;
  console.log(`${each.name}: ${each.subject}, ${each.what}`);
  writeResult(await explore(testbed, each, out, options));
  writeFindings();
}

function complain(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

await main().catch(complain);
