import { runTop } from '@vpmem/top';
import { hasColors } from './terminal/terminal-colors.ts';

/** What `vpmem top` was told. */
export interface TopWords {
  readonly interval?: string;
  readonly rounds?: string;
  readonly once?: boolean;
  readonly plain?: boolean;
}

/** Seconds. */
const SHORTEST = 0.1;
const LONGEST = 3600;

/** `vpmem top`: the devices of all running programs, live; the exit status. */
export async function runTopCommand(names: readonly string[], words: TopWords): Promise<number> {
  const { interval = '1', once = false, rounds = once ? '1' : undefined, plain = once } = words;
  const seconds = /^\d+(\.\d+)?$/.test(interval) ? Number(interval) : NaN;
  if (!(seconds >= SHORTEST && seconds <= LONGEST)) return refuse(`--interval ${interval}: is no time; it is in seconds, ${SHORTEST} to ${LONGEST}`);
  if (once && words.rounds !== undefined) return refuse('--once and --rounds: only one of them');
  if (rounds !== undefined && !/^[1-9]\d{0,8}$/.test(rounds)) return refuse(`--rounds ${rounds}: is no number of rounds; it is 1 or more`);
  return await runTop({ names, interval: seconds * 1000, rounds: rounds === undefined ? undefined : Number(rounds), plain, colors: hasColors(process.stdout) });
}

function refuse(why: string): number {
  process.stderr.write(`vpmem top: ${why}\n`);
  return 1;
}
