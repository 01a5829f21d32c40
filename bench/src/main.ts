// `npm run bench`: prints what vpmem costs beside QEMU's own virtio-pmem, in one guest, in turns, and what parts of it cost alone.
// `npm run bench -- --help` lists the parts and the options.
import { writeFileSync } from 'node:fs';
import { requireTestbed } from '@vpmem/testbed';
import { chooseAccelerator, kvmTrouble } from './accelerator.ts';
import { BenchError } from './bench-error.ts';
import { helpText, parseBenchOptions, type BenchOptions } from './bench-options.ts';
import { buildLine, otherBuild, thisBuild } from './build.ts';
import type { MediumResult } from './guest-comparison.ts';
import { jsonReport, writeReport } from './json-report.ts';
import { PARTS, type GuestContext, type Part, type PartContext } from './parts.ts';
import { drawPlot } from './plot.ts';
import { hostLines, hostSurroundings } from './surroundings.ts';

// Node 20 reads these at each start, which takes longer than the rest of it, and room: that is no cost of vpmem's.
delete process.env.NODE_EXTRA_CA_CERTS;

const say = (text: string): void => console.log(text);
const progress = (text: string): unknown => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : '');

/** Measures what is asked for. @throws BenchError for what is wrong with that, before anything is measured */
async function bench(options: BenchOptions): Promise<void> {
  const host = hostSurroundings(process.env.VPMEM_BENCH_LOAD);
  const build = thisBuild();
  const other = options.against === undefined ? undefined : otherBuild(options.against);
  const parts = options.parts.map((name): [string, Part] => [name, PARTS[name as keyof typeof PARTS]]);
  const context: PartContext = { options, build, other, say, progress };
  const guests = parts.some(([, { guest }]) => guest) ? await guestContext(context) : undefined;
  const beginning = { begun: new Date().toISOString(), options: { ...options }, host, build, other };
  for (const line of [...hostLines(host), buildLine('vpmem', build), ...(other === undefined ? [] : [buildLine('other build', other)])]) say(line);
  if (other?.fingerprint === build.fingerprint) say('Both builds have the same compiled files, so all that they differ in is chance.');
  say('');
  const results: Record<string, unknown> = {};
  for (const [name, part] of parts) {
    if (!part.guest) results[name] = await part.run(context);
    else if (guests !== undefined) results[name] = await part.run(guests);
    else continue;
    // After each, as the next may be stopped by whoever has seen enough.
    if (options.json !== undefined) writeReport(options.json, jsonReport(beginning, results));
  }
  if (options.plot !== undefined && results.guest !== undefined) writeFileSync(options.plot, drawPlot(results.guest as MediumResult[], beginning));
}

/** What guests need, if there is anything to be had; says why not otherwise. */
async function guestContext(context: PartContext): Promise<GuestContext | undefined> {
  const { testbed, reason } = await requireTestbed();
  if (testbed === undefined) {
    console.error(`There is no guest to measure: ${reason}`);
    process.exitCode = 1;
    return undefined;
  }
  // Only one part heeds it, and a guest is started to find out.
  const chosen = context.options.parts.includes('guest') ? await chooseAccelerator(context.options.accel, () => kvmTrouble(testbed)) : { accelerator: 'tcg' as const };
  return { ...context, testbed, chosen };
}

// What was made is removed on exit.
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) process.once(signal, () => process.exit(128 + number));

try {
  const options = parseBenchOptions(process.argv.slice(2), Object.keys(PARTS), process.env.INIT_CWD ?? process.cwd());
  if (options.help) say(helpText(PARTS));
  else await bench(options);
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
