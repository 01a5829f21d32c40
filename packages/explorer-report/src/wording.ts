import type { ExploreReport, ReportedOptions, SecondCut } from '@vpmem/explorer';
import { readable } from '@vpmem/page-kit/readable-text';

const NUMBER = new Intl.NumberFormat('en-US');

/** `1,234`. */
export function number(value: number): string {
  return NUMBER.format(value);
}

/** `1 state`, `1,234 states`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

/** `41` is `flush 41`, `cut1` is `cut 1`, `end` is `the end`. */
export function windowWords(name: string): string {
  if (name === 'end') return 'the end';
  return name.startsWith('cut') ? `cut ${name.slice(3)}` : `flush ${name}`;
}

/** Seconds as people say them: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.0995 && seconds > 0 ? 3 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${number(Math.floor(whole / 3600))} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** Bytes as people say them: `512 bytes`, `256 MiB`. */
export function size(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, -1];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit < 0 ? count(bytes, 'byte') : `${number(Math.round(value * 10) / 10)} ${units[unit] ?? ''}`;
}

/** What it came to, in a few words without a full stop. */
export function result(report: ExploreReport): string {
  const cuts = violatedCuts(report);
  return `${firstResult(report)}${cuts.length === 0 ? '' : `; violated by a second cut, after ${count(cuts.length, 'state')} of ${number(report.secondCuts?.length ?? 0)}`}`;
}

/** Second cuts after which the promise was not kept. */
export function violatedCuts({ secondCuts = [] }: ExploreReport): readonly SecondCut[] {
  return secondCuts.filter(({ failures, violated }) => failures.length > 0 || violated > 0);
}

function firstResult({ totals, failures }: ExploreReport): string {
  const failed = totals.byVerdict.violated + totals.byVerdict.hang;
  if (failed > 0 || failures.length > 0) return `violated in ${number(failed)} of ${count(totals.states, 'state')}, ${count(failures.length, 'kind of failure', 'kinds of failure')}`;
  const { states, byVerdict: { kept } } = totals;
  if (states === 0) return 'no state was tried';
  if (kept === 0) return `nothing is known: the checker had nothing to say of ${states === 1 ? 'the one state' : `any of ${number(states)} states`} tried`;
  if (kept < states) return `kept in ${number(kept)} of ${count(states, 'state')} tried, of the others the checker had nothing to say`;
  return `kept in ${states === 1 ? 'the one state' : `all ${number(states)} states`} tried`;
}

/** Whether it is good or bad news; `open` if what was looked at is too little to say. */
export function outlook(report: ExploreReport): 'good' | 'bad' | 'open' {
  const { totals: { byVerdict }, failures, ended, missingShards } = report;
  if (violatedCuts(report).length > 0 || failures.length > 0 || byVerdict.violated + byVerdict.hang > 0) return 'bad';
  return byVerdict.kept > 0 && byVerdict.broken === 0 && ended === 'complete' && missingShards === undefined ? 'good' : 'open';
}

/** What a reader of the result has to know besides: that not all of it is there. One sentence each. */
export function reservations(report: ExploreReport): string[] {
  const { recording, options: { shard }, missingShards: missing, ended, totals: { byVerdict } } = report;
  return [
    ...(ended === 'budget' ? ['The time was over before all planned states were tried.'] : []),
    ...(ended === 'interrupted' ? ['It was stopped before all planned states were tried.'] : []),
    ...(shard === undefined ? [] : [`This is shard ${shard.index} of ${shard.of}: the others looked at the other windows.`]),
    ...(missing === undefined ? [] : [`Missing of ${count(missing.of, 'shard')}: ${missing.indexes.join(', ')}.`]),
    ...(recording.complete ? [] : ['The recording is not complete: what came after its end is not known.']),
    ...(byVerdict.broken > 0 ? [`The checker could not do its work in ${count(byVerdict.broken, 'state')}.`] : []),
  ];
}

/** What was asked for, in one sentence. */
export function request({ mount, check, where, units, seed, from, budget }: ReportedOptions): string {
  const place = where === 'image' ? 'images of it' : `${readable(mount)} mounted ${where === 'host' ? 'on this host' : 'in a guest'}`;
  const bounds = [...(from === undefined ? [] : [`from ${windowWords(readable(from))}`]), ...(budget === undefined ? [] : [`for ${duration(budget)} at most`])];
  return `${place}, checked by ${readable(check, 200)}; ${units.length === 1 ? 'unit' : 'units'} ${units.join(', ')}; seed ${seed}${bounds.map((each) => `; ${each}`).join('')}.`;
}

/** Why a window was not looked at. */
export function skipReason(report: ExploreReport, index: number): string {
  const { options: { from, shard }, ended, windows, missingShards } = report;
  if (from !== undefined && index < windows.findIndex(({ name }) => name === from)) return `before ${windowWords(from)}, where it began`;
  const reasons = [
    ...(shard === undefined ? [] : ['it is of another shard']),
    ...(missingShards === undefined ? [] : ['its shard is missing']),
    ...(ended === 'budget' ? ['the time was over'] : []),
    ...(ended === 'interrupted' ? ['it was stopped before'] : []),
  ];
  return reasons.length === 0 ? 'not looked at' : reasons.join(', or ');
}
