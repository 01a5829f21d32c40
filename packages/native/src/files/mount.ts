import { check, errno, mountFileSystem, umount2 } from '../libc.ts';
import { SystemError } from '../system-error.ts';

/** Linux, linux/mount.h: what options of a mount are flags of mount(2), by the names that mount(8) has for them. */
export const MOUNT_FLAGS: Readonly<Record<string, number>> = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  mand: 64,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  silent: 32_768,
  relatime: 2_097_152,
  strictatime: 16_777_216,
  lazytime: 33_554_432,
};

const MNT_FORCE = 1;
const MNT_DETACH = 2;

/** What mount(2) is asked for. */
export interface MountRequest {
  /** A block device, or what the file system takes for it. */
  readonly source: string;
  /** A folder. */
  readonly target: string;
  /** As /proc/filesystems has it. */
  readonly type: string;
  /** A sum of {@link MOUNT_FLAGS}. */
  readonly flags?: number;
  /** The file system's own options, with commas between them. */
  readonly data?: string;
}

/** Mounts, and waits for it. @throws SystemError EPERM for who is not root, ENODEV for a type that the kernel does not have, and others */
export function mount(request: MountRequest): void {
  const { source, target, type, flags = 0, data = '' } = request;
  check(mountFileSystem(source, target, type, flags, data), 'mount', target);
}

/** The same without blocking this thread: a thread of node's pool waits. */
export function mountSoon(request: MountRequest): Promise<void> {
  const { source, target, type, flags = 0, data = '' } = request;
  return new Promise((resolve, reject) => mountFileSystem.async(source, target, type, flags, data, settle('mount', target, resolve, reject)));
}

/**
 * Unmounts what was mounted last at `target`. Lazily: now for whoever looks for it, in truth when its last user has gone. By force: whoever waits
 * for a server of FUSE gets an error, now and from now on.
 *
 * @throws SystemError EBUSY, EINVAL
 */
export function unmount(target: string, options: { readonly lazy?: boolean; readonly force?: boolean } = {}): void {
  const { lazy = false, force = false } = options;
  check(umount2(target, (lazy ? MNT_DETACH : 0) | (force ? MNT_FORCE : 0)), 'umount2', target);
}

/** The same without blocking this thread. */
export function unmountSoon(target: string): Promise<void> {
  return new Promise((resolve, reject) => umount2.async(target, 0, settle('umount2', target, resolve, reject)));
}

/** What a call in the pool comes to. Its errno is that of the thread of the pool as long as the callback runs. */
function settle(syscall: string, subject: string, resolve: () => void, reject: (error: Error) => void): (error: Error | null, result: number) => void {
  return (error, result) => {
    if (error !== null) reject(error);
    else if (result === -1) reject(new SystemError(errno(), syscall, subject));
    else resolve();
  };
}
