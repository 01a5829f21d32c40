// `npm run bench`: prints what vpmem costs beside QEMU's own virtio-pmem, in one guest, in turns, and what parts of it cost alone.
// `npm run bench -- power-failure` measures only that; there is queue, daemon, page-tracker, power-failure, recording, start-up,
// recorded-guest, exploring, guest.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, type Testbed } from '@vpmem/testbed';
import { exploringTable, measureExploring } from './exploring.ts';
import { runFio, WORKLOADS, type Workload } from './fio.ts';
import { GuestPair, type Server } from './guest-pair.ts';
import { measureManyDevices } from './many-devices.ts';
import { measurePageTracker, pageTrackerTable } from './page-tracker.ts';
import { measurePowerFailure, powerFailureTable } from './power-failure.ts';
import { measureQueue } from './queue.ts';
import { measureRecordedGuest, recordedGuestTable } from './recorded-guest.ts';
import { measureRecording, recordingTable } from './recording.ts';
import { measureStartTimes, startTimesTable } from './start-times.ts';
import { measureStartUp } from './start-up.ts';
import { median, short, spread } from './statistics.ts';

const ROUNDS = 5;
const SECONDS = 3;
const SERVERS: readonly Server[] = ['vpmem', 'qemu'];

const say = (text = ''): void => console.log(text);
const progress = (text: string): unknown => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : '');

type Results = Map<Workload, Record<Server, number[]>>;

/** Both devices do every workload in turns, the one that begins changing with each round. */
async function measure(pair: GuestPair, medium: string): Promise<Results> {
  const results: Results = new Map(WORKLOADS.map((workload) => [workload, { vpmem: [], qemu: [] }]));
  const unmount = async (): Promise<void> => {
    await pair.guest.sh('umount /mnt/vpmem /mnt/qemu');
  };
  const mount = async (): Promise<void> => {
    for (const server of SERVERS) await pair.guest.sh(`mount -o dax=always ${pair.devices[server]} /mnt/${server}`);
  };
  for (const server of SERVERS) {
    // Every block of both files exists before anything is measured.
    await pair.guest.sh(`dd if=/dev/zero of=${pair.devices[server]} bs=1M conv=fsync 2>/dev/null; true`, { timeout: 300_000 });
    await pair.guest.sh(`mkfs.ext4 -q -b 4096 ${pair.devices[server]} && mkdir -p /mnt/${server}`);
  }
  for (const on of ['file', 'device'] as const) {
    if (on === 'file') await mount();
    const workloads = WORKLOADS.filter((workload) => workload.on === on);
    for (let round = -1; round < ROUNDS; round++) {
      for (const workload of workloads) {
        for (const server of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
          progress(`${medium}: ${round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`}: ${workload.name}: ${server}`);
          const place = { device: pair.devices[server], mount: `/mnt/${server}` };
          const value = await runFio(pair.guest, workload, place, SECONDS);
          if (round >= 0) results.get(workload)?.[server].push(value);
        }
      }
    }
    if (on === 'file') await unmount();
  }
  progress('');
  return results;
}

function print(medium: string, results: Results): void {
  say(`\n| ${medium} | vpmem | QEMU's own | unit | ratio | spread |`);
  say('| --- | ---: | ---: | --- | ---: | ---: |');
  for (const [workload, { vpmem, qemu }] of results) {
    const ratios = vpmem.map((value, i) => value / (qemu[i] ?? NaN));
    const words = [workload.name, short(median(vpmem)), short(median(qemu)), workload.unit, median(ratios).toFixed(2), `±${(spread(ratios) * 50).toFixed(0)} %`];
    say(`| ${words.join(' | ')} |`);
  }
}

async function compare(testbed: Testbed, medium: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const pair = await GuestPair.start(testbed, folder);
  try {
    const results = await measure(pair, medium);
    print(medium, results);
    say(`\nvpmemd with one device, after this: ${pair.daemonRss.toFixed(0)} MiB resident`);
  } finally {
    await pair.stop();
  }
}

/** The temporary directory may be a tmpfs; the user's cache is not. */
function diskFolder(): string {
  const folder = process.env.VPMEM_BENCH_DISK ?? join(homedir(), '.cache', 'vpmem', 'bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

function queue(): void {
  say(`One virtqueue, two descriptors a request: ${measureQueue(false).toFixed(0)} ns on the device's side`);
  say(`The same with 4 bytes read and 4 written: ${measureQueue(true).toFixed(0)} ns`);
}

async function daemon(): Promise<void> {
  say(`\n${startTimesTable(await measureStartTimes())}\n`);
  const { one, devices, ready, milliseconds, kib, descriptors } = await measureManyDevices(256);
  say(`vpmemd with one device is ready in ${one.ready.toFixed(0)} ms and has ${(one.resident / 1024).toFixed(0)} MiB resident, ${(one.own / 1024).toFixed(0)} of them its own`);
  say(`with ${devices} devices it is ready in ${ready.toFixed(0)} ms; each costs ${milliseconds.toFixed(2)} ms, ${kib.toFixed(0)} KiB resident and ${descriptors.toFixed(1)} descriptors`);
}

function pageTracker(): void {
  const folder = mkdtempSync(join(diskFolder(), 'pages-'));
  try {
    say(`\nFinding the pages that were written:\n\n${pageTrackerTable(measurePageTracker(folder))}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function powerFailure(): Promise<void> {
  const folder = mkdtempSync(join(diskFolder(), 'power-'));
  try {
    say(`\nA simulated medium, power-failure=on, on disk:\n\n${powerFailureTable(await measurePowerFailure(folder))}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function recording(): void {
  const folder = mkdtempSync(join(diskFolder(), 'recording-'));
  try {
    say(`\nA recording, on disk:\n\n${recordingTable(measureRecording(folder))}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What needs a QEMU. */
async function withTestbed(measurement: (testbed: Testbed) => Promise<void>): Promise<void> {
  const { testbed, reason } = await requireTestbed();
  if (testbed !== undefined) {
    await measurement(testbed);
    return;
  }
  console.error(`There is no guest to measure: ${reason}`);
  process.exitCode = 1;
}

async function startUp(testbed: Testbed): Promise<void> {
  const { bare, behind } = await measureStartUp(testbed);
  say(`The guest begins ${bare.toFixed(0)} ms after QEMU is started, ${behind.toFixed(0)} ms after vpmem qemu is: ${(behind - bare).toFixed(0)} ms more, ${(behind / bare).toFixed(2)} times`);
}

async function recordedGuest(testbed: Testbed): Promise<void> {
  say(`\n${recordedGuestTable(await measureRecordedGuest(testbed, diskFolder()))}`);
}

async function exploring(testbed: Testbed): Promise<void> {
  say(`\n${exploringTable(await measureExploring(testbed, diskFolder()))}`);
}

async function guest(testbed: Testbed): Promise<void> {
  await compare(testbed, 'on tmpfs', '/dev/shm');
  await compare(testbed, 'on disk', diskFolder());
}

const parts: Readonly<Record<string, () => void | Promise<void>>> = { queue, daemon, 'page-tracker': pageTracker, 'power-failure': powerFailure, recording, 'start-up': () => withTestbed(startUp), 'recorded-guest': () => withTestbed(recordedGuest), exploring: () => withTestbed(exploring), guest: () => withTestbed(guest) };
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`There is no measurement '${unknown}'; there is ${Object.keys(parts).join(', ')}`);
  process.exitCode = 1;
} else {
  for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part();
}
