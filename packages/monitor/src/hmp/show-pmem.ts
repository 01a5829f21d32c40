import type { PmemInfo, PowerExposure, TrackerInfo } from '@vpmem/machine';
import { formatSize } from '@vpmem/options';
import { showRecording } from './show-recording.ts';

const HEAD = ['device', 'type', 'memdev', 'size', 'client', 'driver', 'asked', 'synced', 'shared', 'failed', 'in flight', 'p50 µs', 'p99 µs', 'max µs', 'backing file'];
/** Columns of numbers, which are set to the right. */
const NUMBERS = new Set([3, 6, 7, 8, 9, 10, 11, 12, 13]);

/** `info pmem`: a table, and under it what is wrong with any of the devices. */
export function showPmem(devices: readonly PmemInfo[]): string[] {
  if (devices.length === 0) return ['no device with persistent memory'];
  return [...table([HEAD, ...devices.map(row)]), ...devices.flatMap(remarks)];
}

function row({ type, id, memdev, size, connected, socket, driver, flushes, latency, backingFile }: PmemInfo): string[] {
  const { asked, synced, coalesced, failed, inFlight } = flushes;
  const times = latency === undefined ? ['-', '-', '-'] : [latency.p50, latency.p99, latency.max].map(String);
  const client = socket === undefined ? 'own guest' : connected ? 'connected' : 'none';
  // An nvdimm has no driver that says how it is, and no flush.
  const counts = [asked, synced, coalesced, failed, inFlight].map((count) => (type === 'nvdimm' ? '-' : String(count)));
  return [id, type, memdev.replace(/^\/objects\//, ''), formatSize(size), client, type === 'nvdimm' ? '-' : driver, ...counts, ...times, backingFile ?? '-'];
}

function remarks({ id, volatile, lastError, socket, exposure, recording, faults, memoryPath }: PmemInfo): string[] {
  return [
    ...(socket === undefined ? [] : [`${id}: socket ${socket}`]),
    ...(volatile === undefined ? [] : [`${id}: nothing persists: ${volatile}`]),
    ...(exposure === undefined ? [] : [`${id}: ${showExposure(exposure)}; memory at ${memoryPath}`, `${id}: ${showTracker(exposure.tracker)}`]),
    ...(recording === undefined ? [] : [`${id}: recording: ${showRecording(recording)}`]),
    ...(faults?.limit === undefined ? [] : [`${id}: ${showLimit(faults.limit)}`]),
    ...(faults === undefined || faults.failed + faults.delayed + faults.hung === 0 ? [] : [`${id}: planned faults: ${faults.failed} failed, ${faults.delayed} delayed, ${faults.hung} hung`]),
    ...(lastError === undefined ? [] : [`${id}: last error, ${new Date(lastError.time).toISOString()}: ${lastError.text}`]),
  ];
}

function showLimit({ ops, burst, heldBack, notificationsHeldBack = 0 }: NonNullable<NonNullable<PmemInfo['faults']>['limit']>): string {
  const notifications = notificationsHeldBack === 0 ? '' : `, and its VM after ${notificationsHeldBack} notifications for nothing`;
  return `limited to ${ops} syncs a second, ${burst} at once; ${heldBack} had to wait${notifications}`;
}

/** What a power cut would cost. */
function showExposure({ bytes, oldest, cuts }: PowerExposure): string {
  const age = oldest === undefined ? '' : `, for ${oldest} ms at most`;
  return `${bytes === undefined ? 'a flush is being carried out' : `${bytes} bytes not durable${age}`}${cuts === 0 ? '' : `; ${cuts} power cuts`}`;
}

/** What finds out which pages a guest has written. */
function showTracker({ kind, reason }: TrackerInfo): string {
  return `tracker ${kind}${reason === undefined ? '' : `: ${reason}`}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (NUMBERS.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
