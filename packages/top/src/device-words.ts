import { formatMicroseconds, type DaemonView, type DeviceView, type PmemInfo } from '@vpmem/watch';
import { formatBytes } from './bytes.ts';
import { formatRate } from './columns.ts';

/** A line of the details: what is told, and what of it. */
export type Fact = readonly [name: string, text: string];

/** All that `query-pmem` says of a device, in words, and what it did since the round before. */
export function factsOf(daemon: DaemonView, { info, interval }: DeviceView): Fact[] {
  const { flushes, latency } = info;
  return [
    ['device', `${info.id}, a ${info.type} of ${formatBytes(Number(info.size))}`],
    ['program', programText(daemon)],
    ['file', info['backing-file'] ?? 'none: memory'],
    ...told('not kept', info.volatile),
    ['client', info.connected ? 'a VM has it' : 'none'],
    ['driver', info.driver],
    ...told('socket', info.socket),
    ['flushes', `${flushes.asked} asked for, ${flushes.failed} failed; ${flushes.synced} syncs, shared by ${flushes.coalesced} more`],
    ['in flight', String(flushes['in-flight'])],
    ['latency', latency === undefined ? 'no flush yet' : `half within ${formatMicroseconds(latency.p50)}, 99 of 100 within ${formatMicroseconds(latency.p99)}, longest ${formatMicroseconds(latency.max)}`],
    ['now', interval === undefined ? 'not known' : `${formatRate(interval.asked)} flushes a second over ${interval.seconds.toFixed(1)} s${quantiles(interval.p50, interval.p99)}`],
    ...powerFailure(info['power-failure']),
    ...recording(info.recording),
    ...faults(info.faults),
    ...told('last error', info['last-error'] && `${new Date(info['last-error'].time).toLocaleString('sv')}: ${info['last-error'].text}`),
    ['backend', info.memdev],
    ['path', info.path],
  ];
}

/** Which program it is, and how that is. */
export function programText({ program, name, pid, version, state, since, reason }: DaemonView): string {
  const how = state === 'running' ? '' : `; ${state} since ${clockTime(since)}${reason === undefined ? '' : `: ${reason}`}`;
  return `${version ?? program} ${pid}${name === undefined ? '' : ` (${name})`}${how}`;
}

/** Hours, minutes and seconds of the day. */
export function clockTime(time: number): string {
  return new Date(time).toTimeString().slice(0, 8);
}

function told(name: string, text: string | undefined): Fact[] {
  return text === undefined ? [] : [[name, text]];
}

function quantiles(p50: number | undefined, p99: number | undefined): string {
  return p50 === undefined || p99 === undefined ? '' : `, half within ${formatMicroseconds(p50)}, 99 of 100 within ${formatMicroseconds(p99)}`;
}

function powerFailure(power: PmemInfo['power-failure']): Fact[] {
  if (power === undefined) return [['at risk', 'not known without power-failure=on']];
  const { 'volatile-bytes': bytes, 'oldest-ms': oldest, cuts, tracker, 'tracker-reason': reason } = power;
  const age = oldest === undefined ? '' : `, for ${formatMicroseconds(oldest * 1000)} at most`;
  return [
    ['at risk', bytes === undefined ? 'a flush is being carried out' : `${formatBytes(Number(bytes))}${age}`],
    ['power cuts', String(cuts)],
    ['tracker', `${tracker}${reason === undefined ? '' : `: ${reason}`}`],
    ['memory', power['memory-path']],
  ];
}

function recording(record: PmemInfo['recording']): Fact[] {
  if (record === undefined) return [];
  const { file, flushes, marks, bytes, incomplete } = record;
  return [['recording', `${file}: ${flushes} flushes, ${marks} marks, ${formatBytes(Number(bytes))}${incomplete === undefined ? '' : `; incomplete: ${incomplete}`}`]];
}

function faults(planned: PmemInfo['faults']): Fact[] {
  if (planned === undefined) return [];
  const { failed, delayed, hung, limit } = planned;
  return [
    ['faults', `${failed} failed, ${delayed} delayed, ${hung} hung, as was asked for`],
    ...told('limit', limit && `${limit.ops} syncs a second, ${limit.burst} at once; ${limit['held-back']} had to wait`),
  ];
}
