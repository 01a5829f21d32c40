import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOUND, saveFinding } from './findings.ts';
import { readRecord } from './flight-recorder.ts';

/** One target and what its process is told. */
export interface Assignment {
  readonly target: string;
  readonly args: readonly string[];
}

/** An input on which a process spends as long as this is stuck, where no point is ever passed. */
const STUCK_MS = 120_000;
/** What a campaign ends with when it has reported everything itself. */
const REPORTED: readonly unknown[] = [0, FOUND];

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs a target to its end in a process of its own. Whether nothing was found; an input the process dies or hangs of is a finding. */
export async function supervise({ target, args }: Assignment): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-fuzz-'));
  const record = join(folder, 'input');
  try {
    const child = spawn(process.execPath, ['--import', new URL('instrumented.js', import.meta.url).href, local('campaign.js'), '--target', target, '--record', record, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    let before = -1;
    const state = { stuck: false };
    const watch = setInterval(() => {
      const { count } = readRecord(record) ?? { count: -1 };
      state.stuck = count !== -1 && count === before;
      before = count;
      if (state.stuck) child.kill('SIGKILL');
    }, STUCK_MS);
    const [status, signal] = await exit;
    clearInterval(watch);
    if (REPORTED.includes(status)) return status === 0;
    const input = readRecord(record)?.input;
    const how = state.stuck ? 'hangs' : `ends the process (${signal ?? `status ${status}`})`;
    console.log(input === undefined ? `${target}: the process ended before its first input` : saveFinding(target, input, how));
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
