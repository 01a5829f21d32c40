import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { replayLog } from './replayed-log.ts';

/** A program that replays logs of dm-log-writes. */
export interface LogReplayer {
  readonly name: string;
  entries(log: string): number;
  /** Number and end of a mark's entry, as ENTRY@SECTOR; throws if there is none. */
  find(log: string, mark: string): string;
  /** Replays onto an image up to a mark. */
  replay(log: string, image: string, mark: string): void;
}

/** Ours, which reads the bytes by itself. */
const own: LogReplayer = {
  name: 'a replay of its bytes',
  entries: (log) => [...replayLog(readFileSync(log), new Uint8Array(0))].length,
  find: (log, mark) => stopAt(log, new Uint8Array(0), mark),
  replay: (log, path, mark) => {
    const image = readFileSync(path);
    stopAt(log, image, mark);
    writeFileSync(path, image);
  },
};

/** Stops behind a mark. */
function stopAt(log: string, image: Uint8Array, mark: string): string {
  for (const stop of replayLog(readFileSync(log), image)) if (stop.mark === mark) return `${stop.entry}@${stop.sector}`;
  throw new Error(`no mark ${mark}`);
}

/** That of xfstests, which Debian has no package of: `VPMEM_REPLAY_LOG` is its path. */
function replayLogOfXfstests(path: string): LogReplayer {
  const run = (...args: string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(path, args, { encoding: 'utf8' });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error(`${path} ${args.join(' ')} ended with status ${String(status)}: ${stderr}`);
    return stdout.trim();
  };
  return {
    name: 'replay-log of xfstests',
    entries: (log) => Number(run('--log', log, '--num-entries')),
    find: (log, mark) => run('--log', log, '--find', '--end-mark', mark),
    replay: (log, image, mark) => void run('--log', log, '--replay', image, '--end-mark', mark),
  };
}

const { VPMEM_REPLAY_LOG: named = '' } = process.env;
export const REPLAYERS: readonly LogReplayer[] = named === '' ? [own] : [own, replayLogOfXfstests(named)];
