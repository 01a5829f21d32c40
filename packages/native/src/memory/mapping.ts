import { check, errno, mmap, munmap, viewAt } from '../libc.ts';
import { SystemError } from '../system-error.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** The longest window: well below the 4 GiB where an ArrayBuffer ends on Node 20 and `koffi.view` aborts the process. */
export const MAX_WINDOW = 2 ** 31;

/** Memory mapped into this process. The caller unmaps it, after dropping every window. */
export class Mapping {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  #mapped = true;

  private constructor(address: bigint, length: number) {
    this.address = address;
    this.length = length;
  }

  /**
   * Maps `length` bytes of `fd` from `offset` (page-aligned). Stores reach the file unless `shared` is false. With `reserve`, huge pages
   * for all of it are put aside, or there is no mapping (ENOMEM); a file keeps what was put aside for it when the mapping is gone.
   *
   * @throws SystemError EACCES, EBADF, EINVAL, ENODEV, ENOMEM
   */
  static ofFile(fd: number, options: { length: number; offset?: number; writable?: boolean; shared?: boolean; reserve?: boolean }): Mapping {
    const { length, offset = 0, writable = true, shared = true, reserve = false } = options;
    const prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    return new Mapping(mapOrThrow(length, prot, (shared ? MAP_SHARED : MAP_PRIVATE) | (reserve ? 0 : MAP_NORESERVE), fd, offset), length);
  }

  /** Fresh zeroed memory that belongs to this process. */
  static anonymous(length: number): Mapping {
    return new Mapping(mapOrThrow(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), length);
  }

  /** A view of part of the mapping, at most {@link MAX_WINDOW} bytes. Using it after {@link unmap} crashes the process. */
  window(offset: number, length: number): ArrayBuffer {
    if (!this.#mapped) throw new RangeError('the mapping is gone');
    if (offset < 0 || length < 0 || offset + length > this.length) {
      throw new RangeError(`window [${offset}, +${length}) is outside the mapping of ${this.length} bytes`);
    }
    if (length > MAX_WINDOW) throw new RangeError(`a window has at most ${MAX_WINDOW} bytes, not ${length}`);
    return viewAt(this.address + BigInt(offset), length);
  }

  /** Gives the memory back; a second call does nothing. */
  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    check(munmap(this.address, this.length), 'munmap');
  }
}

function mapOrThrow(length: number, prot: number, flags: number, fd: number, offset: number): bigint {
  const address = mmap(null, length, prot, flags, fd, offset);
  if (address === null || address === MAP_FAILED || address === -1n) throw new SystemError(errno(), 'mmap', `${length} bytes`);
  return address;
}
