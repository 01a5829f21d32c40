import { readFileSync } from 'node:fs';

/** proc(5), /proc/PID/stat: members that are counted from behind the name, which may hold anything. */
const MEMBERS = { state: 0, childFaults: 8, userTicks: 11, systemTicks: 12, started: 19 } as const;

/** What /proc/PID/stat says of a process. */
export interface ProcessStat {
  /** `R`, `S`, `D`, …; `Z`: it has ended, and nobody has asked how. */
  readonly state: string;
  /** Minor faults of children that it has waited for. */
  readonly childFaults: string;
  /** Processor time of all its threads in clock ticks, of which Linux counts 100 a second: outside the kernel and within it. Children are not in it. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** When it began, in clock ticks, which tells it from a later one of the same number. */
  readonly started: string;
}

/** @throws node's error where there is no such process: ENOENT, ESRCH */
export function processStat(pid: number): ProcessStat {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const members = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const member = (name: keyof typeof MEMBERS): string => members[MEMBERS[name]] ?? '';
  return {
    state: member('state'),
    childFaults: member('childFaults'),
    userTicks: Number(member('userTicks')),
    systemTicks: Number(member('systemTicks')),
    started: member('started'),
  };
}
