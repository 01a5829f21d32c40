// What a recording costs a real guest: the same work on a plain device, on one with power-failure=on and on one that is recorded, in turns.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';
import { startGuest, type Guest, type Testbed } from '@vpmem/testbed';
import { runTurns, WORKLOADS, type Workload } from './fio.ts';
import { median, plusMinus, ratios as ratiosTo, short } from './statistics.ts';

const SIZE = 256 * 2 ** 20;
const ROUNDS = 5;
const SECONDS = 3;
const WAYS = ['plain', 'power-failure=on', 'record='] as const;
type Way = (typeof WAYS)[number];
const WANTED: readonly Workload['name'][] = ['ext4, write 4 KiB + fsync, 1 job', 'DAX write, 1 MiB blocks'];

export interface RecordedGuestResult {
  readonly workload: string;
  readonly unit: string;
  readonly way: Way;
  readonly values: readonly number[];
  /** Of each round: to the plain device's in the same round. */
  readonly ratios: readonly number[];
}

/** Measures in `folder`; all three files are full. */
export async function measureRecordedGuest(testbed: Testbed, folder: string): Promise<RecordedGuestResult[]> {
  const place = mkdtempSync(join(folder, 'guest-'));
  const record = join(place, 'run.vpmrec');
  const extra: Readonly<Record<Way, string>> = { plain: '', 'power-failure=on': ',power-failure=on', 'record=': `,record=${record}` };
  const daemon = await DaemonProcess.start(
    WAYS.flatMap((way, i) => [
      '-object',
      `memory-backend-file,id=mem${i},share=on,mem-path=${join(place, `${i}.img`)},size=${SIZE}${extra[way]}`,
      '-device',
      `virtio-pmem-pci,id=nv${i},memdev=mem${i},socket=${join(place, `nv${i}.sock`)},addr=${(0x10 + i).toString(16)}`,
    ]),
  );
  try {
    const qemuArgs = daemon.devices.flatMap((device) => ['-device', device]);
    const guest = await startGuest({ testbed, kernel: '6.12', boot: 'plain', memory: '1G,slots=2,maxmem=4G', tools: ['fio'], qemuArgs });
    try {
      await prepare(guest);
      const results = await inTurns(guest);
      console.log(`The recording has ${short(statSync(record).size / 2 ** 20)} MiB`);
      return results;
    } finally {
      await guest.stop();
    }
  } finally {
    await daemon.end();
    rmSync(place, { recursive: true });
  }
}

async function prepare(guest: Guest): Promise<void> {
  for (const i of WAYS.keys()) {
    await guest.sh(`wait-for /dev/pmem${i}`);
    const name = await pmemOf(guest, i);
    await guest.sh(`head -c ${SIZE} /dev/urandom > /dev/${name}; mkfs.ext4 -q -b 4096 /dev/${name} && mkdir -p /mnt/${i} && mount -o dax=always /dev/${name} /mnt/${i}`, { timeout: 300_000 });
  }
}

/** The block device of the function in a slot. */
async function pmemOf(guest: Guest, way: number): Promise<string> {
  return (await guest.sh(`ls -l /sys/block | grep -o ':00:${(0x10 + way).toString(16)}.*pmem[0-9]$' | grep -o 'pmem[0-9]$'`)).trim();
}

async function inTurns(guest: Guest): Promise<RecordedGuestResult[]> {
  const results: RecordedGuestResult[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => WANTED.includes(name))) {
    const values: Record<Way, number[]> = { plain: [], 'power-failure=on': [], 'record=': [] };
    for (let round = -1; round < ROUNDS; round++) {
      const ways = [...WAYS.entries()];
      for (const [i, way] of round % 2 === 0 ? ways : ways.toReversed()) {
        const [result] = await runTurns(guest, [{ workload, place: { device: '', mount: `/mnt/${i}` } }], { seconds: SECONDS });
        if (round >= 0) values[way].push(result?.value ?? NaN);
      }
    }
    for (const way of WAYS) {
      results.push({ workload: workload.name, unit: workload.unit, way, values: values[way], ratios: ratiosTo(values[way], values.plain) });
    }
  }
  return results;
}

/** A table in Markdown. */
export function recordedGuestTable(results: readonly RecordedGuestResult[]): string {
  return [
    '| in a guest, 256 MiB, full, on disk | | unit | ratio to plain | spread |',
    '| --- | ---: | --- | ---: | ---: |',
    ...results.map(({ workload, unit, way, values, ratios }) => `| ${workload}, ${way} | ${short(median(values))} | ${unit} | ${median(ratios).toFixed(2)} | ${plusMinus(ratios)} |`),
  ].join('\n');
}
