import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** `major:minor` of a device number, as Linux writes it. */
export function deviceNumbers(rdev: number): string {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

/** What has a block device, or a partition of it, for itself, in words that follow its name; undefined if that cannot be told. */
export function describeUse(rdev: number): string | undefined {
  const numbers = deviceNumbers(rdev);
  return useOf(numbers) ?? partitionsOf(numbers).map(({ name, numbers: its }) => partitionUse(name, useOf(its))).find((use) => use !== undefined);
}

/** sysfs: whether a block device can give storage back and read as zeroes then. */
export function canDiscard(rdev: number): boolean {
  const folder = sysFolder(deviceNumbers(rdev));
  // A partition has the queue of its disk.
  const limits = [`${folder}/queue`, `${folder}/../queue`].map((queue) => read(`${queue}/write_zeroes_max_bytes`)).filter((text) => text !== '');
  return limits.some((text) => Number(text) > 0);
}

function useOf(numbers: string): string | undefined {
  const mounted = mountPoint(numbers);
  if (mounted !== undefined) return `is mounted at '${mounted}'`;
  if (isSwap(numbers)) return 'is in use as swap space';
  const [holder] = list(`${sysFolder(numbers)}/holders`);
  return holder === undefined ? undefined : `is in use by ${mappedName(holder)}, which is made of it`;
}

function partitionUse(name: string, use: string | undefined): string | undefined {
  return use === undefined ? undefined : `has a partition '/dev/${name}', which ${use}`;
}

/** proc_pid_mountinfo(5); btrfs has device numbers of its own there, but names its device. */
function mountPoint(numbers: string): string | undefined {
  for (const line of read('/proc/self/mountinfo').split('\n')) {
    const [, , device, , point = '', ...rest] = line.split(' ');
    const source = rest[rest.indexOf('-') + 2] ?? '';
    if (device === numbers || (source.startsWith('/dev/') && numbersOf(source) === numbers)) return unescapeOctal(point);
  }
  return undefined;
}

function isSwap(numbers: string): boolean {
  const lines = read('/proc/swaps').split('\n').slice(1);
  return lines.some((line) => line.startsWith('/dev/') && numbersOf(unescapeOctal(line.split(/\s/, 1)[0] ?? '')) === numbers);
}

/** `dm-0` has a name that people know. */
function mappedName(holder: string): string {
  const name = read(`/sys/block/${holder}/dm/name`).trim();
  return `'/dev/${name === '' ? holder : `mapper/${name}`}'`;
}

function partitionsOf(numbers: string): { name: string; numbers: string }[] {
  const folder = sysFolder(numbers);
  return list(folder)
    .filter((name) => read(`${folder}/${name}/partition`) !== '')
    .map((name) => ({ name, numbers: read(`${folder}/${name}/dev`).trim() }));
}

/** Whether a character device is memory of persistent memory without a block device (devdax). */
export function isDevdax(rdev: number): boolean {
  try {
    return basename(readlinkSync(`/sys/dev/char/${deviceNumbers(rdev)}/subsystem`)) === 'dax';
  } catch {
    return false;
  }
}

function numbersOf(path: string): string | undefined {
  try {
    const stat = statSync(realpathSync(path));
    return stat.isBlockDevice() ? deviceNumbers(stat.rdev) : undefined;
  } catch {
    return undefined;
  }
}

function sysFolder(numbers: string): string {
  return `/sys/dev/block/${numbers}`;
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** Nothing where there is nothing, or nothing that we may read: what is said here is for people. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
