import { closeSync } from 'node:fs';
import { errno, recvmsg, sendmsg } from './libc.ts';
import { Mapping } from './mapping.ts';
import { SystemError } from './system-error.ts';

const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const EINTR = 4;
const EAGAIN = 11;

/** The most descriptors one message can carry, either way. Linux allows 253. */
export const MAX_FDS = 64;
/** The most bytes one call moves. */
const CHUNK = 65536;
const FEW = 64;

// struct msghdr, struct iovec and the control buffer of a 64-bit Linux, then the data, in one arena.
const MSGHDR = { iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 };
const IOV_AT = 64;
const CONTROL_AT = 80;
const CMSG_HEADER = 16;
const CONTROL_SIZE = CMSG_HEADER + MAX_FDS * 4;
const DATA_AT = 512;

/** Nothing moved: the socket is non-blocking and not ready, or a signal came between. */
export const WOULD_BLOCK = -1;

/**
 * What recvmsg and sendmsg are told, in memory they can be pointed at. One arena serves all sockets of a thread; calls never
 * overlap. The pointers are written once, and of the lengths only the low halves: no call allocates.
 */
class Arena {
  readonly #mapping = Mapping.anonymous(DATA_AT + CHUNK);
  readonly address = this.#mapping.address;
  readonly view = new DataView(this.#mapping.window(0, this.#mapping.length));
  readonly data = new Uint8Array(this.#mapping.window(DATA_AT, CHUNK));

  constructor() {
    this.view.setBigUint64(MSGHDR.iov, this.address + BigInt(IOV_AT), true);
    this.view.setBigUint64(MSGHDR.iovlen, 1n, true);
    this.view.setBigUint64(MSGHDR.control, this.address + BigInt(CONTROL_AT), true);
    this.view.setBigUint64(IOV_AT, this.address + BigInt(DATA_AT), true);
  }

  /** Both in bytes, below 4 GiB. */
  prepare(length: number, controlLength: number): void {
    this.view.setUint32(IOV_AT + 8, length, true);
    this.view.setUint32(MSGHDR.controllen, controlLength, true);
    this.view.setUint32(MSGHDR.flags, 0, true);
  }
}

let shared: Arena | undefined;

/** A connected stream socket whose messages may carry descriptors. */
export class MessageSocket {
  readonly fd: number;
  readonly #arena = (shared ??= new Arena());
  #closed = false;

  /** Takes over `fd`: {@link close} closes it. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * Receives at most `target.length` bytes in one call. Returns the count, 0 at the end of the stream, or
   * {@link WOULD_BLOCK}. Descriptors that came along are appended to `fds`, close-on-exec; the caller owns them.
   *
   * @throws SystemError of recvmsg, and EMSGSIZE when descriptors were lost because there were too many
   */
  receive(target: Uint8Array, fds: number[]): number {
    const { view, address, data } = this.#arena;
    const wanted = Math.min(target.length, CHUNK);
    this.#arena.prepare(wanted, CONTROL_SIZE);
    const count = Number(recvmsg(this.fd, address, MSG_CMSG_CLOEXEC));
    if (count === -1) {
      if (isTransient(errno())) return WOULD_BLOCK;
      throw new SystemError(errno(), 'recvmsg');
    }
    if (view.getUint32(MSGHDR.controllen, true) >= CMSG_HEADER) this.#takeFds(fds);
    if ((view.getUint32(MSGHDR.flags, true) & MSG_CTRUNC) !== 0) throw new SystemError(EMSGSIZE, 'recvmsg', 'descriptors');
    // Of few bytes a view takes longer than the bytes.
    if (count <= FEW) for (let i = 0; i < count; i++) target[i] = data[i] ?? 0;
    else target.set(data.subarray(0, count));
    return count;
  }

  /**
   * Sends at most `source.length` bytes in one call, never blocking. `fds` ride on the first byte and stay open here.
   * Returns the count or {@link WOULD_BLOCK}.
   *
   * @throws SystemError EPIPE, ECONNRESET
   */
  send(source: Uint8Array, fds: readonly number[] = []): number {
    if (fds.length > MAX_FDS) throw new RangeError(`a message carries at most ${MAX_FDS} descriptors, not ${fds.length}`);
    const { view, address, data } = this.#arena;
    const length = Math.min(source.length, CHUNK);
    data.set(length === source.length ? source : source.subarray(0, length));
    const controlLength = fds.length === 0 ? 0 : CMSG_HEADER + fds.length * 4;
    // CMSG_SPACE rounds up to 8; the length inside the header is exact.
    this.#arena.prepare(length, Math.ceil(controlLength / 8) * 8);
    if (controlLength > 0) {
      view.setUint32(CONTROL_AT, controlLength, true);
      view.setUint32(CONTROL_AT + 4, 0, true);
      view.setInt32(CONTROL_AT + 8, SOL_SOCKET, true);
      view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, true);
      fds.forEach((fd, i) => view.setInt32(CONTROL_AT + CMSG_HEADER + i * 4, fd, true));
    }
    const count = Number(sendmsg(this.fd, address, MSG_NOSIGNAL | MSG_DONTWAIT));
    if (count !== -1) return count;
    if (isTransient(errno())) return WOULD_BLOCK;
    throw new SystemError(errno(), 'sendmsg');
  }

  /** Closes the socket; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }

  /** A stream socket's control data is at most one SCM_RIGHTS block, since nothing else was asked for. */
  #takeFds(fds: number[]): void {
    const { view } = this.#arena;
    if (view.getInt32(CONTROL_AT + 8, true) !== SOL_SOCKET || view.getInt32(CONTROL_AT + 12, true) !== SCM_RIGHTS) return;
    const end = view.getUint32(CONTROL_AT, true);
    for (let at = CMSG_HEADER; at + 4 <= end; at += 4) fds.push(view.getInt32(CONTROL_AT + at, true));
  }
}

const EMSGSIZE = 90;

function isTransient(error: number): boolean {
  return error === EAGAIN || error === EINTR;
}
