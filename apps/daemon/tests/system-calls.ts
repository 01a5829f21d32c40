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

/** Seconds since the epoch, as strace counts them: the fine clock, set by the moment when the coarse one moves on. */
export function setClock(): () => number {
  const before = Date.now();
  let tick = Date.now();
  while (tick === before) tick = Date.now();
  const origin = tick - performance.now();
  return () => (origin + performance.now()) / 1000;
}
