import { element, foreign, part, type Child } from '@vpmem/page-kit/element';
import type { Snapshot } from '../snapshot.ts';
import type { Listed } from './device-table.ts';
import { bytes, count, duration, microseconds, moment } from './wording.ts';

type Fact = readonly [name: string, ...value: Child[]];

/** Everything that query-pmem tells of a device, digit for digit. */
export function showFacts(listed: Listed, { time }: Snapshot): void {
  const made = factsOf(listed, time).map(([name, ...value]) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value)));
  part('facts', HTMLElement).replaceChildren(...made);
}

function factsOf({ device: { info } }: Listed, now: number): Fact[] {
  const { flushes, latency, recording, faults } = info;
  const failure = info['power-failure'];
  const error = info['last-error'];
  return [
    ['Flushes asked for', count(flushes.asked)],
    ['Syncs', count(flushes.synced), small(`shared by ${count(flushes.coalesced)} flushes more`)],
    ['Failed', flushes.failed > 0 ? element('span', { class: 'bad-text' }, count(flushes.failed)) : count(0)],
    ['In flight', count(flushes['in-flight'])],
    ...(latency === undefined ? [['Latency', '–', small('no flush yet')] as Fact] : [['Latency, half up to', microseconds(latency.p50)] as Fact, ['99 of 100 up to', microseconds(latency.p99)] as Fact, ['Longest', microseconds(latency.max)] as Fact]),
    ...(failure === undefined ? [] : atRisk(failure, now)),
    ['Size', bytes(Number(info.size)), small(`${count(Number(info.size))} bytes`)],
    ['VM', info.connected ? 'connected' : 'none', small(`driver: ${info.driver}`)],
    ...(faults === undefined ? [] : faultsOf(faults)),
    ...(recording === undefined ? [] : [['Recording', `${count(recording.flushes)} flushes`, small(recording.incomplete ?? `${count(recording.marks)} marks, ${bytes(Number(recording.bytes))}`)] as Fact]),
    ['File', long(info['backing-file'] ?? 'in memory', info.volatile)],
    ...(error === undefined ? [] : [['Last error', long(error.text, moment(error.time, now))] as Fact]),
  ];
}

function atRisk(failure: NonNullable<Listed['device']['info']['power-failure']>, _now: number): Fact[] {
  const risk = failure['volatile-bytes'];
  const oldest = failure['oldest-ms'];
  return [
    ['At risk', risk === undefined ? 'flushing' : bytes(Number(risk)), small(risk === undefined ? 'a flush is under way' : `${count(Number(risk))} bytes${oldest === undefined ? '' : `, for ${duration(oldest)} at most`}`)],
    ['Power cuts', count(failure.cuts), small(failure.tracker === 'uffd' ? 'writes are told by the kernel' : 'writes are found by comparing')],
  ];
}

function faultsOf({ failed, delayed, hung, limit }: NonNullable<Listed['device']['info']['faults']>): Fact[] {
  const planned: Fact = ['Faults so far', `${count(failed)} failed`, small(`${count(delayed)} late, ${count(hung)} held back`)];
  return limit === undefined ? [planned] : [planned, ['Limit', `${count(limit.ops)} a second`, small(`${count(limit.burst)} at once, ${count(limit['held-back'])} held back so far`)]];
}

function small(text: string): HTMLElement {
  return element('small', {}, foreign(text));
}

function long(text: string, detail: string | undefined): HTMLElement {
  return element('span', { class: 'long' }, foreign(text), detail === undefined ? undefined : small(detail));
}
