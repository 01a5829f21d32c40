import { check, ioctl } from './libc.ts';

/** Linux, linux/fs.h: _IO(0x12, 94) and _IOR(0x12, 114, size_t) */
const BLKROGET = 0x125e;
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
