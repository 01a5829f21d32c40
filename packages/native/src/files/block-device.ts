import { check, ioctl, ioctlNumber } from '../libc.ts';

/** Linux, linux/fs.h: _IO(0x12, 94) and _IOR(0x12, 114, size_t) */
const BLKROGET = 0x125e;
/** _IO(0x12, 97) and _IO(0x12, 98) */
const BLKFLSBUF = 0x1261;
const BLKRASET = 0x1262;
const BLKGETSIZE64 = 0x8008_1272;

/** Bytes of an open block device: a disk, a partition, a volume. @throws SystemError ENXIO if it is gone, ENOTTY if it is none */
export function blockDeviceSize(fd: number): number {
  const size = Buffer.alloc(8);
  check(ioctl(fd, BLKGETSIZE64, size), 'ioctl BLKGETSIZE64', `descriptor ${fd}`);
  return Number(size.readBigUInt64LE());
}

/**
 * Whether a block device takes no writes. Opening such a device for writing is no error to the kernel, and neither is a store to a
 * mapping of it: what is written is lost later. @throws SystemError
 */
export function isBlockDeviceReadOnly(fd: number): boolean {
  const readOnly = Buffer.alloc(4);
  check(ioctl(fd, BLKROGET, readOnly), 'ioctl BLKROGET', `descriptor ${fd}`);
  return readOnly.readInt32LE() !== 0;
}

/** Writes back what the page cache has of a block device, and drops it. @throws SystemError EACCES for who is not root */
export function dropBlockCache(fd: number): void {
  check(ioctlNumber(fd, BLKFLSBUF, 0), 'ioctl BLKFLSBUF', `descriptor ${fd}`);
}

/** Nothing of a block device, nor of files on it, is read before it is wanted. @throws SystemError EACCES for who is not root */
export function turnReadAheadOff(fd: number): void {
  check(ioctlNumber(fd, BLKRASET, 0), 'ioctl BLKRASET', `descriptor ${fd}`);
}
