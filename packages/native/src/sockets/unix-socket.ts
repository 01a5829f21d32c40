import { closeSync, fchmodSync } from 'node:fs';
import { accept4, bind, check, connect, errno, fcntl, listen, shutdown, socket, socketpair, uninterrupted } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';
import { SystemError } from '../system-error.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const EAGAIN = 11;
const ECONNABORTED = 103;
const [SHUT_RD, SHUT_WR] = [0, 1];
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const F_SETFD = 2;

/** Bytes a socket's path can have: `sun_path` less its terminating NUL. */
export const MAX_SOCKET_PATH = 107;

/** `struct sockaddr_un` of a path. @throws RangeError when the path is too long */
function address(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length === 0 || bytes.length > MAX_SOCKET_PATH) {
    throw new RangeError(`a socket path has 1 to ${MAX_SOCKET_PATH} bytes; '${path}' has ${bytes.length}`);
  }
  const sockaddr = Buffer.alloc(2 + 108);
  sockaddr.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(sockaddr, 2);
  return sockaddr;
}

/** Runs `use` on a new stream socket and returns the descriptor; closes it when `use` throws. */
function withSocket(flags: number, use: (fd: number) => void): number {
  const fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), 'socket');
  try {
    use(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** A non-blocking listening socket at `path`, reachable by its owner only (mode 0600 from the first moment). */
export function listenUnix(path: string, backlog = 8): number {
  const sockaddr = address(path);
  return withSocket(SOCK_NONBLOCK, (fd) => {
    // On Linux the mode of the unbound socket becomes the mode of the path, so there is no moment in which others may connect.
    fchmodSync(fd, 0o600);
    check(bind(fd, sockaddr, sockaddr.length), 'bind', path);
    check(listen(fd, backlog), 'listen', path);
  });
}

/** The next waiting client as a non-blocking socket, or undefined when nobody waits any more. */
export function acceptUnix(listener: number): number | undefined {
  const fd = accept4(listener, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd !== -1) return fd;
  const reason = errno();
  if (reason === EAGAIN || reason === ECONNABORTED) return undefined;
  throw new SystemError(reason, 'accept4');
}

/** A blocking socket connected to `path`. @throws SystemError ENOENT, ECONNREFUSED (nobody listens), EACCES */
export function connectUnix(path: string): number {
  const sockaddr = address(path);
  return withSocket(0, (fd) => check(uninterrupted(() => connect(fd, sockaddr, sockaddr.length)), 'connect', path));
}

/** Two stream sockets connected to each other, blocking. */
export function unixPair(): [number, number] {
  const arena = Mapping.anonymous(8);
  try {
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, arena.address), 'socketpair');
    const fds = new Int32Array(arena.window(0, 8));
    return [fds[0] ?? -1, fds[1] ?? -1];
  } finally {
    arena.unmap();
  }
}

/** Tells the other side of a connected socket that no more comes. One that has gone has no need of it. */
export function shutdownWrites(fd: number): void {
  shutdown(fd, SHUT_WR);
}

/** Nobody can connect to a listening socket any more, and whoever waits for that, see `whenReadable`, waits no longer: it can be read. */
export function stopListening(fd: number): void {
  shutdown(fd, SHUT_RD);
}

/** Makes a socket of somebody else's one that never waits and that no program started from here inherits. @throws SystemError */
export function adoptSocket(fd: number): number {
  const flags = check(fcntl(fd, F_GETFL, 0), 'fcntl F_GETFL', `descriptor ${fd}`);
  check(fcntl(fd, F_SETFL, flags | SOCK_NONBLOCK), 'fcntl F_SETFL', `descriptor ${fd}`);
  check(fcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl F_SETFD', `descriptor ${fd}`);
  return fd;
}
