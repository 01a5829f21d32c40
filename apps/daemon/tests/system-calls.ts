/** A system call in a log of `strace -f -ttt -T`. Times in seconds since the epoch. */
export interface Call {
  readonly thread: number;
  readonly name: string;
  readonly text: string;
  readonly begin: number;
  readonly end: number;
}

/** Calls of an strace log, joined where strace had to split them, in the order of their ends. */
export function readCalls(log: string): Call[] {
  const begun = new Map<number, { begin: number; text: string }>();
  const calls: Call[] = [];
  for (const line of log.split('\n')) {
    const [, thread, time, rest] = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line) ?? [];
    if (thread === undefined || time === undefined || rest === undefined) continue;
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished !== null) {
      begun.set(Number(thread), { begin: Number(time), text: unfinished[1] ?? '' });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const start = resumed === null ? undefined : begun.get(Number(thread));
    const text = start === undefined ? rest : start.text + (resumed?.[1] ?? '');
    const name = /^(\w+)\(/.exec(text)?.[1];
    const took = /<(\d+\.\d+)>$/.exec(text)?.[1];
    if (name === undefined || took === undefined) continue;
    const begin = start?.begin ?? Number(time);
    calls.push({ thread: Number(thread), name, text, begin, end: begin + Number(took) });
  }
  return calls.toSorted((a, b) => a.end - b.end);
}

/**
 * Seconds since the epoch, as strace counts them, to a twentieth of a millisecond: the fine clock, set by the coarse one. Each look says between
 * which two moments that is; one in whose middle this process had to wait says little, and the next ones say it.
 */
export function setClock(): () => number {
  let [earliest, latest] = [-Infinity, Infinity];
  while (latest - earliest > 0.05) {
    const before = performance.now();
    const coarse = Date.now();
    earliest = Math.max(earliest, coarse - performance.now());
    latest = Math.min(latest, coarse + 1 - before);
  }
  const origin = (earliest + latest) / 2;
  return () => (origin + performance.now()) / 1000;
}
