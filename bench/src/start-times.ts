import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { median } from './statistics.ts';

const ROUNDS = 15;

const path = (text: string): string => fileURLToPath(new URL(`../../${text}`, import.meta.url));
const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'node -e 0': [process.execPath, '-e', '0'],
  'vpmem --version': [path('apps/cli/bin/vpmem.js'), '--version'],
  'vpmem --help': [path('apps/cli/bin/vpmem.js'), '--help'],
  'vpmemd -version': [process.execPath, path('apps/daemon/dist/main.js'), '-version'],
  'vpmemd -help': [process.execPath, path('apps/daemon/dist/main.js'), '-help'],
};

/** Median milliseconds from the start of each program to its end, or to its readiness, by what was typed. All take their turns. */
export async function measureStartTimes(): Promise<ReadonlyMap<string, number>> {
  const programs: [name: string, run: () => Promise<number>][] = Object.entries(COMMANDS).map(([name, command]) => [name, () => timeToEnd(command)]);
  programs.push(['vpmemd until ready', timeToReadiness]);
  const times = new Map<string, number[]>(programs.map(([name]) => [name, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, run] of programs) {
      const took = await run();
      if (round >= 0) times.get(name)?.push(took);
    }
  }
  return new Map([...times].map(([name, each]) => [name, median(each)]));
}

/** The same, as a table beside a bare node. */
export function startTimesTable(times: ReadonlyMap<string, number>): string {
  const bare = times.get('node -e 0') ?? NaN;
  const rows = [...times].map(([name, time]) => `| \`${name}\` | ${time.toFixed(0)} | ${(time - bare).toFixed(0)} |`);
  return ['| started | ms | more than a bare node |', '| --- | ---: | ---: |', ...rows].join('\n');
}

async function timeToEnd([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  const began = performance.now();
  const child = spawn(program, args, { stdio: 'ignore' });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}`);
  return performance.now() - began;
}

async function timeToReadiness(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-start-'));
  const object = `memory-backend-file,id=mem1,share=on,mem-path=${folder}/pmem.img,size=2M`;
  const began = performance.now();
  const daemon = await DaemonProcess.start(['-object', object, '-device', `virtio-pmem-pci,memdev=mem1,id=nv1,socket=${folder}/nv1.sock`]);
  try {
    return performance.now() - began;
  } finally {
    await daemon.end();
    rmSync(folder, { recursive: true });
  }
}
