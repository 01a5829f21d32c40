import { readFileSync, realpathSync } from 'node:fs';

/** A file system that is mounted. */
export interface Mount {
  readonly folder: string;
  /** `ext4`, `tmpfs`, … */
  readonly type: string;
  /** What it is on, as far as the kernel says. */
  readonly source: string;
  /** Of the mount and of the file system, with commas. */
  readonly options: string;
}

/** The file system of a path that exists, by proc_pid_mountinfo(5). */
export function fileSystemOf(path: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): Mount {
  const real = realpathSync(path);
  const mounts = mountinfo.trim().split('\n').map(parseMount);
  const holding = mounts.filter(({ folder }) => folder === '/' || real === folder || real.startsWith(`${folder}/`));
  // Of two at the same folder the later hides the earlier.
  const [mount] = holding.map((each, i) => ({ each, i })).sort((a, b) => b.each.folder.length - a.each.folder.length || b.i - a.i);
  return mount?.each ?? { folder: '/', type: 'unknown', source: 'unknown', options: '' };
}

function parseMount(line: string): Mount {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , , folder = '/', own = ''] = before.split(' ');
  const [type = 'unknown', source = 'unknown', whole = ''] = after.split(' ');
  return { folder: unescape(folder), type, source: unescape(source), options: [own, whole].filter(Boolean).join(',') };
}

/** Spaces and the like are written as octal numbers. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
