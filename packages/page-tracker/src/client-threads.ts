import { readdirSync, readFileSync } from 'node:fs';
import { Obstacle } from './obstacle.ts';

/** Linux, linux/sched.h: threads that never run code of the process, so they cannot be made to. */
const PF_IO_WORKER = 0x10;
const PF_USER_WORKER = 0x4000;
const SECCOMP_DISABLED = '0';

/**
 * x86-64, asm/unistd_64.h: system calls that are made again after an interruption, the best first: futex, poll, ppoll, select, pselect6,
 * nanosleep, clock_nanosleep, read, recvfrom, recvmsg, accept, wait4.
 */
const RESUMED = [202, 7, 271, 23, 270, 35, 230, 0, 45, 47, 43, 61];

interface ClientThread {
  readonly tid: number;
  /** Which is to be taken first: the lowest. */
  readonly rank: number;
}

/**
 * The threads of a process that can be made to do a system call, the one that notices it least first: one that waits, in a call that is
 * made again after an interruption. The first thread comes last, and not at all if it is our child: node waits for children of its
 * own, and would take a stop for the end.
 *
 * @throws Obstacle if there is none
 */
export function clientThreads(pid: number): number[] {
  const threads: ClientThread[] = [];
  let obstacle: Obstacle | undefined;
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    const tid = Number(name);
    try {
      const status = new Map(readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1').split('\n').map((line) => line.split(':\t') as [string, string]));
      const tracer = Number(status.get('TracerPid'));
      if (tracer !== 0) {
        obstacle ??= new Obstacle(`process ${pid} is traced by thread ${tracer} already`, isOurs(tracer) ? 0 : 5000);
      } else if (status.get('Seccomp') !== undefined && status.get('Seccomp') !== SECCOMP_DISABLED) {
        obstacle ??= new Obstacle(`process ${pid} has a seccomp filter, which may end it for userfaultfd`);
      } else if (tid === pid && Number(status.get('PPid')) === process.pid) {
        obstacle ??= new Obstacle(`process ${pid} is a child of this one and has a single thread, whose stops node would take for its end`, 5000);
      } else {
        const rank = rankOf(pid, tid);
        if (rank !== undefined) threads.push({ tid, rank: tid === pid ? rank + 1000 : rank });
      }
    } catch (error) {
      if (error instanceof Obstacle) throw error;
      // It has ended meanwhile.
    }
  }
  if (threads.length === 0) throw obstacle ?? new Obstacle(`process ${pid} has no thread that could be held`, 1000);
  return threads.sort((a, b) => a.rank - b.rank).map(({ tid }) => tid);
}

function rankOf(pid: number, tid: number): number | undefined {
  const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
  const [state = '', , , , , , flags = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if ((Number(flags) & (PF_IO_WORKER | PF_USER_WORKER)) !== 0 || ['Z', 'X'].includes(state)) return undefined;
  // Waits for a device, and may do so for long.
  if (state === 'D') return 500;
  if (state !== 'S') return 400;
  const call = RESUMED.indexOf(systemCallOf(pid, tid));
  return call === -1 ? 300 : call;
}

function systemCallOf(pid: number, tid: number): number {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1'), 10);
  } catch {
    return -1;
  }
}

/** Whether a thread is one of this process: another tracker, which is through soon. */
function isOurs(tid: number): boolean {
  try {
    return readdirSync('/proc/self/task').includes(String(tid));
  } catch {
    return false;
  }
}
