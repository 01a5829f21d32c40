import { closeSync } from 'node:fs';
import { check, sendto, socket } from '../libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of `struct sockaddr_un`. */
const MAX_ADDRESS = 108;

/**
 * Sends one datagram to the unix socket at `address`: a path, or `@name` for one in the abstract namespace (unix(7)). Never
 * waits: whoever does not read has it not, when its queue is full.
 *
 * @throws SystemError ENOENT, ECONNREFUSED (nobody receives there), EAGAIN (its queue is full), EACCES
 * @throws RangeError when the address is too long
 */
export function sendDatagram(address: string, data: Uint8Array): void {
  const target = socketAddress(address);
  const fd = check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
  try {
    check(sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, target, target.length), 'sendto', address);
  } finally {
    closeSync(fd);
  }
}

/** `struct sockaddr_un`. Of an abstract name every byte counts, a trailing NUL too; of a path it is the terminator, and has to be there. */
export function socketAddress(address: string): Buffer {
  const name = address.startsWith('@') ? Buffer.from(`\0${address.slice(1)}`) : Buffer.from(`${address}\0`);
  if (name.length > MAX_ADDRESS) throw new RangeError(`a socket address has at most ${MAX_ADDRESS - 1} bytes; '${address}' has ${name.length - 1}`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}
