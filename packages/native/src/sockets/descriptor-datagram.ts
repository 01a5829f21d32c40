import { closeSync } from 'node:fs';
import { bind, check, errno, recvmsg, sendmsg, setsockopt, socket, uninterrupted } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';
import { SystemError } from '../system-error.ts';
import { socketAddress } from './unix-datagram.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
/** Linux, asm-generic/socket.h */
const SO_PASSCRED = 16;
const SO_SNDTIMEO = 21;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const EAGAIN = 11;

/** SCM_MAX_FD of Linux: what one datagram can carry. */
const MAX_FDS = 253;
/** Bytes of a datagram that are read: as many as systemd reads of a notification. */
export const MAX_DATAGRAM = 4096;
const CREDENTIALS_SIZE = 12;

// struct msghdr, iovec, address, control buffer, and the data, in one arena.
const MSGHDR = { name: 0, namelen: 8, iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 };
const MSGHDR_SIZE = 56;
const IOV_AT = 64;
const NAME_AT = 80;
const CONTROL_AT = 192;
const CMSG_HEADER = 16;
const align8 = (length: number): number => Math.ceil(length / 8) * 8;
const CONTROL_SIZE = align8(CMSG_HEADER + MAX_FDS * 4) + align8(CMSG_HEADER + CREDENTIALS_SIZE);
const DATA_AT = 2048;

/** What sendmsg and recvmsg are pointed at. */
class Arena {
  readonly #mapping = Mapping.anonymous(DATA_AT + MAX_DATAGRAM);
  readonly address = this.#mapping.address;
  readonly view = new DataView(this.#mapping.window(0, this.#mapping.length));
  readonly bytes = new Uint8Array(this.#mapping.window(0, this.#mapping.length));

  prepare(nameLength: number, length: number, controlLength: number): void {
    const { view, address } = this;
    this.bytes.fill(0, 0, MSGHDR_SIZE);
    view.setBigUint64(MSGHDR.name, nameLength === 0 ? 0n : address + BigInt(NAME_AT), true);
    view.setUint32(MSGHDR.namelen, nameLength, true);
    view.setBigUint64(MSGHDR.iov, address + BigInt(IOV_AT), true);
    view.setBigUint64(MSGHDR.iovlen, 1n, true);
    view.setBigUint64(MSGHDR.control, controlLength === 0 ? 0n : address + BigInt(CONTROL_AT), true);
    view.setBigUint64(MSGHDR.controllen, BigInt(controlLength), true);
    view.setBigUint64(IOV_AT, address + BigInt(DATA_AT), true);
    view.setBigUint64(IOV_AT + 8, BigInt(length), true);
  }

  free(): void {
    this.#mapping.unmap();
  }
}

/** Sends datagrams that may carry descriptors to one unix socket. Belongs to the thread that made it. */
export class DatagramSender {
  readonly #fd: number;
  readonly #address: string;
  readonly #target: Buffer;
  readonly #arena = new Arena();

  /**
   * @param address a path, or `@name` for one in the abstract namespace; nobody has to be there yet
   * @param patienceMs how long {@link send} waits for a receiver whose queue is full
   * @throws RangeError when the address is too long
   */
  constructor(address: string, patienceMs: number) {
    this.#address = address;
    this.#target = socketAddress(address);
    this.#fd = check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
    const timeval = Buffer.alloc(16);
    timeval.writeBigInt64LE(BigInt(Math.floor(patienceMs / 1000)), 0);
    timeval.writeBigInt64LE(BigInt(Math.floor(patienceMs % 1000) * 1000), 8);
    check(setsockopt(this.#fd, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.length), 'setsockopt SO_SNDTIMEO');
    this.#arena.bytes.set(this.#target, NAME_AT);
  }

  /**
   * Sends `data` with `fds`, which stay open here. The receiver has them even if this process ends right after.
   *
   * @throws SystemError ENOENT, ECONNREFUSED (nobody receives there), EAGAIN (it has not read for as long as we wait), EACCES
   * @throws RangeError for more than {@link MAX_DATAGRAM} bytes, or more than 253 descriptors
   */
  send(data: Uint8Array, fds: readonly number[] = []): void {
    if (data.length > MAX_DATAGRAM) throw new RangeError(`a datagram has at most ${MAX_DATAGRAM} bytes, not ${data.length}`);
    if (fds.length > MAX_FDS) throw new RangeError(`a datagram carries at most ${MAX_FDS} descriptors, not ${fds.length}`);
    const { view, bytes, address } = this.#arena;
    const controlLength = fds.length === 0 ? 0 : CMSG_HEADER + fds.length * 4;
    this.#arena.prepare(this.#target.length, data.length, align8(controlLength));
    bytes.set(data, DATA_AT);
    if (controlLength > 0) {
      view.setBigUint64(CONTROL_AT, BigInt(controlLength), true);
      view.setInt32(CONTROL_AT + 8, SOL_SOCKET, true);
      view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, true);
      fds.forEach((fd, i) => view.setInt32(CONTROL_AT + CMSG_HEADER + i * 4, fd, true));
    }
    check(uninterrupted(() => sendmsg(this.#fd, address, MSG_NOSIGNAL)), 'sendmsg', this.#address);
  }

  close(): void {
    closeSync(this.#fd);
    this.#arena.free();
  }
}

/** A datagram, and whose it is by the kernel's word. */
export interface Datagram {
  readonly data: Buffer;
  /** Close-on-exec; they belong to whoever received them. */
  readonly fds: readonly number[];
  readonly pid: number;
  readonly uid: number;
}

/** A unix socket that receives datagrams with descriptors. Belongs to the thread that made it. */
export class DatagramReceiver {
  /** Readable when something has come. */
  readonly fd: number;
  readonly #arena = new Arena();

  /** @param address a path, or `@name`; the path stays when it is closed. @throws SystemError EADDRINUSE */
  constructor(address: string) {
    const target = socketAddress(address);
    this.fd = check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
    try {
      const on = Buffer.alloc(4);
      on.writeInt32LE(1);
      check(setsockopt(this.fd, SOL_SOCKET, SO_PASSCRED, on, on.length), 'setsockopt SO_PASSCRED');
      check(bind(this.fd, target, target.length), 'bind', address);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** The next datagram; undefined if none has come. One that is too long, or whose descriptors are not all there, is thrown away. */
  receive(): Datagram | undefined {
    for (;;) {
      const { view, bytes, address } = this.#arena;
      this.#arena.prepare(0, MAX_DATAGRAM, CONTROL_SIZE);
      const count = Number(uninterrupted(() => recvmsg(this.fd, address, MSG_CMSG_CLOEXEC)));
      if (count === -1) {
        if (errno() === EAGAIN) return undefined;
        throw new SystemError(errno(), 'recvmsg');
      }
      const { fds, pid, uid } = this.#control(view.getUint32(MSGHDR.controllen, true));
      if ((view.getUint32(MSGHDR.flags, true) & (MSG_TRUNC | MSG_CTRUNC)) === 0) {
        return { data: Buffer.from(bytes.slice(DATA_AT, DATA_AT + count)), fds, pid, uid };
      }
      for (const fd of fds) closeSync(fd);
    }
  }

  close(): void {
    closeSync(this.fd);
    this.#arena.free();
  }

  #control(length: number): { fds: number[]; pid: number; uid: number } {
    const { view } = this.#arena;
    const fds: number[] = [];
    let [pid, uid] = [0, -1];
    for (let at = CONTROL_AT; at + CMSG_HEADER <= CONTROL_AT + length; ) {
      const size = view.getUint32(at, true);
      if (size < CMSG_HEADER) break;
      if (view.getInt32(at + 8, true) === SOL_SOCKET) {
        const type = view.getInt32(at + 12, true);
        if (type === SCM_RIGHTS) for (let fd = at + CMSG_HEADER; fd + 4 <= at + size; fd += 4) fds.push(view.getInt32(fd, true));
        if (type === SCM_CREDENTIALS) [pid, uid] = [view.getInt32(at + CMSG_HEADER, true), view.getUint32(at + CMSG_HEADER + 4, true)];
      }
      at += align8(size);
    }
    return { fds, pid, uid };
  }
}
