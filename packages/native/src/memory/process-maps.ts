import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errno, ioctl } from '../libc.ts';
import { SystemError } from '../system-error.ts';

/** Linux, linux/fs.h: struct procmap_query; Linux 6.11 */
const QUERY = { bytes: 104, size: 0, flags: 8, address: 16, start: 24, end: 32, vmaFlags: 40, offset: 56, inode: 64, major: 72, minor: 76 } as const;
const PROCMAP_QUERY = 0xc068_6611;
const WRITABLE = 0x02n;
const SHARED = 0x08n;
const COVERING_OR_NEXT = 0x10n;
const FILE_BACKED = 0x20n;
const ENOENT = 2;
const ESRCH = 3;
const EINVAL = 22;
const ENOTTY = 25;

/** A stretch of addresses of a process at which a file is mapped, shared. */
export interface FileMapping {
  readonly start: bigint;
  readonly end: bigint;
  /** Where in the file it begins, in bytes. */
  readonly offset: bigint;
  /** Whether it can be stored to at present. */
  readonly writable: boolean;
}

/** Which file: of a descriptor, by fstat(2). */
export interface MappedFile {
  readonly device: bigint;
  readonly inode: bigint;
}

/** The mappings of a process. Stays with the memory that the process had when this was opened, whatever it executes later. */
export class ProcessMaps {
  readonly #fd: number;
  readonly #query = Buffer.alloc(QUERY.bytes);
  #quick = true;

  /** @throws node's error for /proc/PID/maps: ENOENT, EACCES */
  constructor(pid: number) {
    this.#fd = openSync(`/proc/${pid}/maps`, 'r');
  }

  /** Every shared mapping of a file, in order of address; undefined when that memory is gone: the process has ended or executed something. @throws SystemError */
  sharedMappings(file: MappedFile): FileMapping[] | undefined {
    if (this.#quick) {
      const found = this.#ask(file);
      if (found !== 'unknown') return found;
      this.#quick = false;
    }
    return this.#read(file);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #ask({ device, inode }: MappedFile): FileMapping[] | 'unknown' | undefined {
    const query = this.#query;
    const [major, minor] = deviceNumbers(device);
    const found: FileMapping[] = [];
    for (let at = 0n; ; at = query.readBigUInt64LE(QUERY.end)) {
      query.fill(0);
      query.writeBigUInt64LE(BigInt(QUERY.bytes), QUERY.size);
      query.writeBigUInt64LE(SHARED | FILE_BACKED | COVERING_OR_NEXT, QUERY.flags);
      query.writeBigUInt64LE(at, QUERY.address);
      if (ioctl(this.#fd, PROCMAP_QUERY, query) === -1) {
        const error = errno();
        if (error === ENOENT) return found;
        if (error === ESRCH) return undefined;
        if (error === ENOTTY || error === EINVAL) return 'unknown';
        throw new SystemError(error, 'ioctl PROCMAP_QUERY');
      }
      if (query.readBigUInt64LE(QUERY.inode) !== inode) continue;
      if (query.readUInt32LE(QUERY.major) !== major || query.readUInt32LE(QUERY.minor) !== minor) continue;
      found.push({
        start: query.readBigUInt64LE(QUERY.start),
        end: query.readBigUInt64LE(QUERY.end),
        offset: query.readBigUInt64LE(QUERY.offset),
        writable: (query.readBigUInt64LE(QUERY.vmaFlags) & WRITABLE) !== 0n,
      });
    }
  }

  #read(file: MappedFile): FileMapping[] | undefined {
    const parts: string[] = [];
    const part = Buffer.alloc(65_536);
    for (let at = 0; ; ) {
      const count = readSync(this.#fd, part, 0, part.length, at);
      if (count === 0) break;
      parts.push(part.toString('latin1', 0, count));
      at += count;
    }
    // Whoever lives has mappings.
    return parts.length === 0 ? undefined : parseMaps(parts.join(''), file);
  }
}

/** The shared mappings of a file in the text of /proc/PID/maps (proc(5)). */
export function parseMaps(text: string, { device, inode }: MappedFile): FileMapping[] {
  const [major, minor] = deviceNumbers(device);
  const found: FileMapping[] = [];
  for (const line of text.split('\n')) {
    const [, start, end, permissions = '', offset, itsMajor = '', itsMinor = '', itsInode] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)/.exec(line) ?? [];
    if (start === undefined || end === undefined || offset === undefined || itsInode === undefined) continue;
    if (BigInt(itsInode) !== inode || parseInt(itsMajor, 16) !== major || parseInt(itsMinor, 16) !== minor || permissions[3] !== 's') continue;
    found.push({ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), offset: BigInt(`0x${offset}`), writable: permissions[1] === 'w' });
  }
  return found;
}

/** The file behind a descriptor. @throws node's error for fstat(2) */
export function mappedFile(fd: number): MappedFile {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return { device: dev, inode: ino };
}

/** Major and minor of a device number, as the C library packs them (makedev(3)). */
function deviceNumbers(device: bigint): [major: number, minor: number] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return [Number(major), Number(minor)];
}
