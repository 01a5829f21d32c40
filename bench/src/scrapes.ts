import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest } from '@vpmem/guest';
import { processStat } from '@vpmem/native';
import { QmpClient } from '@vpmem/qmp/client';
import { runningPrograms } from '@vpmem/running-programs';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { median, ratios, spread } from './statistics.ts';

/** What a scrape of a vpmemd costs. Milliseconds, medians. */
export interface ScrapeCost {
  readonly devices: number;
  /** From the request to the last byte, and how far to trust that. */
  readonly scrape: number;
  readonly spread: number;
  /** How many times as long as `query-pmem` at a monitor takes, which is asked in turns with it. */
  readonly toQueryPmem: number;
  /** Processor time of the whole vpmemd for one scrape. */
  readonly processor: number;
  /** Bytes of the text. */
  readonly bytes: number;
}

/** Of each device before it is scraped: each takes another step of the histogram, as a rule. */
const FLUSHES = 5;
const ROUNDS = 60;
const TICK = 10;
/** Milliseconds after which the devices may be asked anew. */
const PAUSE = 30;

/** Scrapes vpmemd with so many devices, each of which has been flushed. */
export async function measureScrapes(devices: number): Promise<ScrapeCost> {
  const folder = mkdtempSync('/dev/shm/vpmem-bench-');
  const device = (i: number): string[] => ['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${folder}/mem${i}.img,size=2M`, '-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`];
  const args = [...Array.from({ length: devices }, (_, i) => device(i)).flat(), '-qmp', `unix:${folder}/qmp,server=on,wait=off`, '-metrics', '127.0.0.1:0'];
  const daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  try {
    for (let i = 0; i < devices; i++) await flushSome(join(folder, `nv${i}.sock`));
    const metrics = runningPrograms([join(folder, 'vpmem')]).find(({ pid }) => pid === daemon.pid)?.metrics ?? '';
    const scrape = async (): Promise<number> => (await (await fetch(metrics)).arrayBuffer()).byteLength;
    const qmp = await QmpClient.connect({ path: `${folder}/qmp` });
    const [scrapes, answers]: [number[], number[]] = [[], []];
    const bytes = await scrape();
    for (let round = 0; round < ROUNDS; round++) {
      scrapes.push(await timed(scrape));
      answers.push(await timed(() => qmp.execute('query-pmem')));
      await setTimeout(PAUSE);
    }
    qmp.close();
    const before = ticks(daemon);
    for (let round = 0; round < ROUNDS; round++) await scrape();
    return { devices, scrape: median(scrapes), spread: spread(scrapes), toQueryPmem: median(ratios(scrapes, answers)), processor: ((ticks(daemon) - before) * TICK) / ROUNDS, bytes };
  } finally {
    await daemon.end();
    rmSync(folder, { recursive: true });
  }
}

async function flushSome(socket: string): Promise<void> {
  const guest = new Guest();
  const disk = guest.plug(RemoteFunction.connect(socket));
  for (let i = 0; i < FLUSHES; i++) await disk.fsync();
  guest.cutPower();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Of processor time, so far. */
function ticks({ pid }: DaemonProcess): number {
  const { userTicks, systemTicks } = processStat(pid ?? NaN);
  return userTicks + systemTicks;
}
