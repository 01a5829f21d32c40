import { check, getsockopt } from '../libc.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/**
 * The process that connected the other side of a unix socket, or made the pair; undefined where it is of a process namespace that
 * cannot be seen from here. It may have ended since, or given the socket away.
 *
 * @throws SystemError ENOTSOCK, EBADF
 */
export function peerProcess(fd: number): number | undefined {
  const [pid = 0] = peerCredentials(fd);
  return pid > 0 ? pid : undefined;
}

/** The user it ran as when it connected. @throws SystemError ENOTSOCK, EBADF */
export function peerUser(fd: number): number {
  return peerCredentials(fd)[1] ?? -1;
}

function peerCredentials(fd: number): Int32Array {
  // struct ucred: pid, uid, gid.
  const credentials = new Int32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length), 'getsockopt SO_PEERCRED', `descriptor ${fd}`);
  return credentials;
}
