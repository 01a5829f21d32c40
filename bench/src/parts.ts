// What there is to measure, by name, in the order in which it is measured.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Testbed } from '@vpmem/testbed';
import type { ChosenAccelerator } from './accelerator.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Build } from './build.ts';
import { comparisonText } from './comparison-tables.ts';
import { exploringTable, measureExploring } from './exploring.ts';
import { compareInGuest, type MediumResult } from './guest-comparison.ts';
import { measureManyDevices } from './many-devices.ts';
import { measureMessages } from './messages.ts';
import { measurePageCache, pageCacheTable } from './page-cache.ts';
import { measurePageTracker, pageTrackerTable } from './page-tracker.ts';
import { measurePowerFailure, powerFailureTable } from './power-failure.ts';
import { measureQueue } from './queue.ts';
import { measureRecordedGuest, recordedGuestTable } from './recorded-guest.ts';
import { measureRecording, recordingTable } from './recording.ts';
import { measureScrapes } from './scrapes.ts';
import { measureStartTimes, startTimesTable } from './start-times.ts';
import { measureStartUp } from './start-up.ts';
import { measureUpgrades, upgradesTable } from './upgrades.ts';

/** What a part may use. */
export interface PartContext {
  readonly options: BenchOptions;
  readonly build: Build;
  readonly other?: Build | undefined;
  /** A line, or several, of what it came to. */
  readonly say: (text: string) => void;
  /** What goes on, at a terminal; empty when that is over. */
  readonly progress: (text: string) => void;
}

/** For what needs a QEMU. */
export interface GuestContext extends PartContext {
  readonly testbed: Testbed;
  readonly chosen: ChosenAccelerator;
}

/** Says what it came to, and gives it back for the JSON. */
export type Part = { readonly about: string } & ({ readonly guest: false; readonly run: (context: PartContext) => unknown } | { readonly guest: true; readonly run: (context: GuestContext) => unknown });

export const PARTS = {
  queue: { guest: false, about: 'one request in a virtqueue', run: queue },
  messages: { guest: false, about: 'one message of a guest, from recvmsg to sendmsg', run: messages },
  daemon: { guest: false, about: 'how long programs take to start; vpmemd with 1 and with 256 devices: time, memory, descriptors', run: daemon },
  metrics: { guest: false, about: 'a scrape of vpmemd with 1, 64 and 256 devices', run: metrics },
  upgrades: { guest: false, about: 'how long a guest waits when vpmemd is replaced, or killed, under it; two minutes', run: upgrades },
  'page-tracker': { guest: false, about: 'finding the pages that were written', run: onDisk(pageTracker) },
  'power-failure': { guest: false, about: 'flushes with power-failure=on, three minutes', run: onDisk(powerFailure) },
  recording: { guest: false, about: 'images of a recording', run: onDisk(recording) },
  'start-up': { guest: true, about: 'until a guest begins, under vpmem qemu and under QEMU alone', run: startUp },
  'recorded-guest': { guest: true, about: 'a guest on a device that is recorded, five minutes', run: recordedGuest },
  exploring: { guest: true, about: 'states explored a second; takes root, four minutes', run: exploring },
  'page-cache': { guest: true, about: 'what a file costs guest and host in memory, over virtio-blk and with DAX; two minutes', run: pageCache },
  guest: { guest: true, about: "flushes and bandwidth of a guest beside QEMU's own device, six minutes", run: guest },
} satisfies Readonly<Record<string, Part>>;

/** The temporary directory may be a tmpfs; the user's cache is not. */
function diskFolder(): string {
  const folder = process.env.VPMEM_BENCH_DISK ?? join(homedir(), '.cache', 'vpmem', 'bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** In a folder of its own, which is gone afterwards. */
function onDisk(measure: (context: PartContext, folder: string) => unknown): (context: PartContext) => Promise<unknown> {
  return async (context) => {
    const folder = mkdtempSync(join(diskFolder(), 'part-'));
    try {
      return await measure(context, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function queue({ say }: PartContext): unknown {
  const [plain, copied] = [measureQueue(false), measureQueue(true)];
  say(`One virtqueue, two descriptors a request: ${plain.toFixed(0)} ns on the device's side`);
  say(`The same with 4 bytes read and 4 written: ${copied.toFixed(0)} ns`);
  return { nanoseconds: plain, nanosecondsWithBytes: copied };
}

function messages({ say }: PartContext): unknown {
  const costs = measureMessages();
  say(`One status read: ${costs.statusRead.toFixed(0)} ns from before recvmsg until after sendmsg; one notification that brings nothing: ${costs.notification.toFixed(0)} ns`);
  return costs;
}

async function daemon({ say }: PartContext): Promise<unknown> {
  const times = await measureStartTimes();
  say(`${startTimesTable(times)}\n`);
  const cost = await measureManyDevices(256);
  const { one, devices, ready, milliseconds, kib, descriptors } = cost;
  say(`vpmemd with one device is ready in ${one.ready.toFixed(0)} ms and has ${(one.resident / 1024).toFixed(0)} MiB resident, ${(one.own / 1024).toFixed(0)} of them its own`);
  say(`with ${devices} devices it is ready in ${ready.toFixed(0)} ms; each costs ${milliseconds.toFixed(2)} ms, ${kib.toFixed(0)} KiB resident and ${descriptors.toFixed(1)} descriptors`);
  return { ...cost, startTimes: Object.fromEntries(times) };
}

async function metrics({ say }: PartContext): Promise<unknown> {
  const costs = [];
  for (const devices of [1, 64, 256]) {
    const cost = await measureScrapes(devices);
    costs.push(cost);
    const { scrape, spread, toQueryPmem, processor, bytes } = cost;
    say(`A scrape of ${devices} devices takes ${scrape.toFixed(1)} ms (±${(spread * 50).toFixed(0)} %), ${toQueryPmem.toFixed(1)} times as long as query-pmem, and ${processor.toFixed(1)} ms of processor time, for ${(bytes / 1024).toFixed(0)} KiB`);
  }
  return costs;
}

async function upgrades({ say }: PartContext): Promise<unknown> {
  const stalls = await measureUpgrades();
  say(`\n${upgradesTable(stalls)}`);
  return stalls;
}

function pageTracker({ say }: PartContext, folder: string): unknown {
  const results = measurePageTracker(folder);
  say(`\nFinding the pages that were written:\n\n${pageTrackerTable(results)}`);
  return results;
}

async function powerFailure({ say }: PartContext, folder: string): Promise<unknown> {
  const costs = await measurePowerFailure(folder);
  say(`\nA simulated medium, power-failure=on, on disk:\n\n${powerFailureTable(costs)}`);
  return costs;
}

function recording({ say }: PartContext, folder: string): unknown {
  const costs = measureRecording(folder);
  say(`\nA recording, on disk:\n\n${recordingTable(costs)}`);
  return costs;
}

async function startUp({ testbed, say }: GuestContext): Promise<unknown> {
  const times = await measureStartUp(testbed);
  const { bare, behind } = times;
  say(`The guest begins ${bare.toFixed(0)} ms after QEMU is started, ${behind.toFixed(0)} ms after vpmem qemu is: ${(behind - bare).toFixed(0)} ms more, ${(behind / bare).toFixed(2)} times`);
  return times;
}

async function recordedGuest({ testbed, say }: GuestContext): Promise<unknown> {
  const results = await measureRecordedGuest(testbed, diskFolder());
  say(`\n${recordedGuestTable(results)}`);
  return results;
}

async function exploring({ testbed, say }: GuestContext): Promise<unknown> {
  const results = await measureExploring(testbed, diskFolder());
  say(`\n${exploringTable(results)}`);
  return results;
}

async function pageCache({ testbed, say }: GuestContext): Promise<unknown> {
  const result = await measurePageCache(testbed, diskFolder());
  say(`\n${pageCacheTable(result)}`);
  return result;
}

async function guest({ options, testbed, chosen, build, other, say, progress }: GuestContext): Promise<MediumResult[]> {
  const results: MediumResult[] = [];
  for (const medium of options.media) {
    const where = medium === 'tmpfs' ? '/dev/shm' : diskFolder();
    const result = await compareInGuest(medium, where, { testbed, ...chosen, build, other, rounds: options.rounds, seconds: options.seconds, progress });
    say(comparisonText(result));
    results.push(result);
  }
  return results;
}
