import { closeSync, openSync } from 'node:fs';
import { check, errno, ioctl, ioctlNumber } from '../libc.ts';
import { SystemError } from '../system-error.ts';

/** Linux, linux/loop.h */
const LOOP_CLR_FD = 0x4c01;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_DIRECT_IO = 16;
/** struct loop_config: the descriptor stands at its beginning, lo_flags in the struct loop_info64 that follows at 8. */
const CONFIG_SIZE = 304;
const FLAGS_AT = 8 + 52;

const EBUSY = 16;
/** Others may take the device that was free a moment ago. */
const ATTEMPTS = 100;

/**
 * Makes a block device of an open file, which is read and written past the page cache where that can be; returns its path. It lasts until
 * it is detached, also when the process has ended.
 *
 * @throws SystemError ENOENT where the kernel has no loop devices, EACCES or EPERM for who is not root
 */
export function attachLoopDevice(file: number): string {
  const control = openSync('/dev/loop-control', 'r+');
  try {
    for (let attempt = 1; ; attempt++) {
      const path = `/dev/loop${check(ioctlNumber(control, LOOP_CTL_GET_FREE, 0), 'ioctl LOOP_CTL_GET_FREE')}`;
      const device = openSync(path, 'r+');
      try {
        const config = Buffer.alloc(CONFIG_SIZE);
        config.writeUInt32LE(file, 0);
        config.writeUInt32LE(LO_FLAGS_DIRECT_IO, FLAGS_AT);
        if (ioctl(device, LOOP_CONFIGURE, config) !== -1) return path;
        if (errno() !== EBUSY || attempt === ATTEMPTS) throw new SystemError(errno(), 'ioctl LOOP_CONFIGURE', path);
      } finally {
        closeSync(device);
      }
    }
  } finally {
    closeSync(control);
  }
}

/** Takes the file from a loop device, as soon as nobody uses it any more. @throws SystemError ENXIO if it has none */
export function detachLoopDevice(path: string): void {
  const device = openSync(path, 'r');
  try {
    check(ioctlNumber(device, LOOP_CLR_FD, 0), 'ioctl LOOP_CLR_FD', path);
  } finally {
    closeSync(device);
  }
}
