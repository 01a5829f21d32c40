import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import {
  check,
  posixSpawn,
  spawnActionsDestroy,
  spawnActionsDup2,
  spawnActionsInit,
  spawnActionsOpen,
  spawnAttributesDefault,
  spawnAttributesFlags,
  spawnAttributesInit,
  spawnAttributesMask,
  waitpid,
} from '../libc.ts';
import { processEnd } from './process-end.ts';
import { SystemError } from '../system-error.ts';

/** More than posix_spawn_file_actions_t and posix_spawnattr_t have in any C library. */
const ACTIONS_SIZE = 512;
const ATTRIBUTES_SIZE = 1024;
/** sigset_t of glibc and of musl */
const SIGNALS_SIZE = 128;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const WNOHANG = 1;

/** A program to start. */
export interface SpawnRequest {
  /** The path of a program, and its arguments, its name among them. */
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Descriptors that become 0, 1 and 2; /dev/null where there is none. */
  readonly stdio: readonly [stdin: number | undefined, stdout: number | undefined, stderr: number | undefined];
}

/** How a process ended: by a status, or by a signal. */
export interface SpawnedEnd {
  readonly status: number | undefined;
  /** `SIGKILL` */
  readonly signal: string | undefined;
}

/** A program that was started. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly end: Promise<SpawnedEnd>;
}

/**
 * Starts a program in a session and a process group of its own. Unlike node's way it copies nothing of this process, however large that
 * is: with hundreds of MiB it takes a millisecond, and not thirty.
 *
 * @throws SystemError ENOENT, EACCES, E2BIG, EAGAIN
 */
export function spawnProcess({ file, args, environment, stdio }: SpawnRequest): SpawnedProcess {
  const [actions, attributes] = [Buffer.alloc(ACTIONS_SIZE), Buffer.alloc(ATTRIBUTES_SIZE)];
  expect0(spawnActionsInit(actions), 'posix_spawn_file_actions_init');
  try {
    expect0(spawnAttributesInit(attributes), 'posix_spawnattr_init');
    for (const [target, fd] of stdio.entries()) {
      const added = fd === undefined ? spawnActionsOpen(actions, target, '/dev/null', 2, 0) : spawnActionsDup2(actions, fd, target);
      expect0(added, 'posix_spawn_file_actions');
    }
    // Node ignores these, and who is ignored by its parent stays so.
    expect0(spawnAttributesDefault(attributes, signalSet('SIGPIPE', 'SIGXFSZ')), 'posix_spawnattr_setsigdefault');
    expect0(spawnAttributesMask(attributes, signalSet()), 'posix_spawnattr_setsigmask');
    expect0(spawnAttributesFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID), 'posix_spawnattr_setflags');
    const variables = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const pid = new Int32Array(1);
    expect0(posixSpawn(pid, file, actions, attributes, [...args, null], [...variables, null]), 'posix_spawn', file);
    return { pid: pid[0] ?? -1, end: endOf(pid[0] ?? -1) };
  } finally {
    spawnActionsDestroy(actions);
  }
}

/** These functions return their errno. */
function expect0(result: number, syscall: string, subject?: string): void {
  if (result !== 0) throw new SystemError(result, syscall, subject);
}

function signalSet(...names: NodeJS.Signals[]): Buffer {
  const set = Buffer.alloc(SIGNALS_SIZE);
  for (const bit of names.map((name) => constants.signals[name] - 1)) set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  return set;
}

/** Those that run, and who waits for them. */
const running = new Map<number, (end: SpawnedEnd) => void>();
/** Node does not stay alive for a signal that may come. */
let alive: NodeJS.Timeout | undefined;
const LONGEST = 2 ** 31 - 1;

function endOf(pid: number): Promise<SpawnedEnd> {
  return new Promise((resolve, reject) => {
    running.set(pid, resolve);
    if (isMainThread) {
      if (running.size === 1) {
        process.on('SIGCHLD', reap);
        alive = setInterval(reap, LONGEST);
      }
      // It may have ended before anybody listened.
      reap();
    } else processEnd(pid).then(reap, reject);
  });
}

/** Asks for each alone: children of others are theirs. */
function reap(): void {
  const status = Buffer.alloc(4);
  for (const [pid, resolve] of running) {
    if (check(waitpid(pid, status, WNOHANG), 'waitpid', `process ${pid}`) === 0) continue;
    running.delete(pid);
    const word = status.readInt32LE();
    const signal = word & 0x7f;
    resolve(signal === 0 ? { status: (word >> 8) & 0xff, signal: undefined } : { status: undefined, signal: signalName(signal) });
  }
  if (running.size > 0) return;
  process.off('SIGCHLD', reap);
  clearInterval(alive);
}

/** `SIGKILL` for 9; the number as text where it has no name. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `${number}`;
}
