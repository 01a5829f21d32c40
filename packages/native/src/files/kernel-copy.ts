import { fstatSync } from 'node:fs';
import { errno, processVmReadv, processVmWritev } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';
import { SystemError } from '../system-error.ts';

const EFAULT = 14;
const CHUNK = 65536;
const DATA_AT = 64;
const PAGE = 4096;

let shared: { address: bigint; iov: BigUint64Array; data: Uint8Array } | undefined;

function arena(): NonNullable<typeof shared> {
  if (shared === undefined) {
    const mapping = Mapping.anonymous(DATA_AT + CHUNK);
    const iov = new BigUint64Array(mapping.window(0, 32));
    iov[0] = mapping.address + BigInt(DATA_AT);
    shared = { address: mapping.address, iov, data: new Uint8Array(mapping.window(DATA_AT, CHUNK)) };
  }
  return shared;
}

/**
 * Reads this process's own memory through the kernel: where a plain load would raise SIGBUS, because the file behind the
 * mapping was truncated, this returns false. At most 64 KiB.
 */
export function copyFrom(address: bigint, target: Uint8Array): boolean {
  const { data } = arena();
  if (!move(processVmReadv, 'process_vm_readv', address, target.length)) return false;
  target.set(data.subarray(0, target.length));
  return true;
}

/** Writes this process's own memory through the kernel; false where a plain store would raise SIGBUS. At most 64 KiB. */
export function copyTo(address: bigint, source: Uint8Array): boolean {
  arena().data.set(source);
  return move(processVmWritev, 'process_vm_writev', address, source.length);
}

function move(call: typeof processVmReadv, name: string, address: bigint, length: number): boolean {
  const { address: base, iov } = arena();
  iov[1] = BigInt(length);
  iov[2] = address;
  iov[3] = BigInt(length);
  const count = Number(call(process.pid, base, 1, base + 16n, 1, 0));
  if (count === length) return true;
  if (count !== -1 || errno() === EFAULT) return false;
  throw new SystemError(errno(), name);
}

/**
 * Reads a file through a mapping that lasts no longer: for files that can be mapped and not read. Never SIGBUS.
 *
 * @throws SystemError EFAULT where nothing is behind the mapping: the file is shorter, or no page is left
 */
export function readMapped(fd: number, at: number, target: Uint8Array): void {
  throughMapping(fd, at, target, false, copyFrom);
}

/** Writes a file likewise: one in huge pages has no write(2). @throws SystemError EFAULT */
export function writeMapped(fd: number, at: number, source: Uint8Array): void {
  throughMapping(fd, at, source, true, copyTo);
}

function throughMapping(fd: number, at: number, bytes: Uint8Array, writable: boolean, copy: (address: bigint, piece: Uint8Array) => boolean): void {
  const file = fstatSync(fd);
  // Mapping a file of huge pages for writing makes it longer, where it is too short.
  if (file.isFile() && at + bytes.length > file.size) throw new SystemError(EFAULT, writable ? 'store' : 'load', `behind the end of descriptor ${fd}`);
  const unit = Math.max(PAGE, file.blksize);
  const start = Math.floor(at / unit) * unit;
  const end = Math.ceil((at + bytes.length) / unit) * unit;
  const mapping = Mapping.ofFile(fd, { length: end - start, offset: start, writable });
  try {
    for (let done = 0; done < bytes.length; done += CHUNK) {
      const ok = copy(mapping.address + BigInt(at - start + done), bytes.subarray(done, done + CHUNK));
      if (!ok) throw new SystemError(EFAULT, writable ? 'store' : 'load', `at byte ${at + done} of descriptor ${fd}`);
    }
  } finally {
    mapping.unmap();
  }
}
