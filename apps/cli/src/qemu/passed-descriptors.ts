import { constants, readdirSync, readlinkSync } from 'node:fs';
import { fileStatusFlags, setCloseOnExec } from '@vpmem/native';

/** What the launcher (`bin/vpmem.js`) says of the descriptors it was given: `PID: FD…`. */
const VARIABLE = 'VPMEM_DESCRIPTORS';
/** What node opens for itself, by the names in /proc. */
const OF_NODE = /^anon_inode:\[(eventpoll|eventfd|io_uring|timerfd|signalfd)\]$/;

/**
 * The descriptors above 2 that whoever started this program passed to it, ascending. To be asked before anything is opened.
 * What the launcher has noted is taken out of the environment, which other programs get as it was.
 */
export function passedDescriptors(): number[] {
  const open = openDescriptors();
  const noted = notedDescriptors();
  const descriptors = noted === undefined ? withoutNodes(open) : open.map(({ fd }) => fd).filter((fd) => noted.includes(fd));
  // node does so only with the first ones, up to a gap.
  for (const fd of descriptors) setCloseOnExec(fd, true);
  return descriptors;
}

function notedDescriptors(): number[] | undefined {
  const noted = process.env[VARIABLE];
  Reflect.deleteProperty(process.env, VARIABLE);
  const [, pid, list = ''] = /^(\d+):((?: \d+)*)$/.exec(noted ?? '') ?? [];
  // A program between us and the launcher has descriptors of its own. One that this program has started has its.
  if (Number(pid) !== process.pid && Number(pid) !== process.ppid) return undefined;
  return list.split(' ').filter(Boolean).map(Number);
}

/** What the launcher would note for a process that this one starts and hands its descriptors to. */
export function noteDescriptors(descriptors: readonly number[]): Record<string, string> {
  return { [VARIABLE]: [`${process.pid}:`, ...descriptors].join(' ') };
}

interface OpenDescriptor {
  readonly fd: number;
  /** What it is, as /proc has it: a path, or `pipe:[123]`. */
  readonly name: string;
}

function openDescriptors(): OpenDescriptor[] {
  const open = (fd: number): OpenDescriptor[] => {
    try {
      return [{ fd, name: readlinkSync(`/proc/self/fd/${fd}`) }];
    } catch {
      // What the list itself was read with.
      return [];
    }
  };
  return readdirSync('/proc/self/fd').map(Number).filter((fd) => fd > 2).sort((a, b) => a - b).flatMap(open);
}

/** Without a launcher: what does not look like one that node has opened for itself. Nothing tells for certain. */
function withoutNodes(descriptors: readonly OpenDescriptor[]): number[] {
  const both = new Set(descriptors.map(({ name }) => name).filter((name, i, all) => name.startsWith('pipe:') && all.indexOf(name) !== i));
  // One that it gives up when there are no more, opened after its first loop.
  const loop = descriptors.findIndex(({ name }) => OF_NODE.test(name));
  const spare = descriptors.find(({ fd, name }, i) => i > loop && name === '/dev/null' && isReadOnly(fd));
  return descriptors.filter((each) => each !== spare && !OF_NODE.test(each.name) && !both.has(each.name)).map(({ fd }) => fd);
}

function isReadOnly(fd: number): boolean {
  return (fileStatusFlags(fd) & (constants.O_WRONLY | constants.O_RDWR)) === 0;
}
