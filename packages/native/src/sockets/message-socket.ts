import { closeSync } from 'node:fs';
import { check, errno, getsockopt, recvmsg, sendmsg, setsockopt } from '../libc.ts';
import { ARENA_BYTES, CMSG_HEADER, CONTROL_AT, CONTROL_SIZE, MAX_FDS, MessageArena, MSGHDR } from './message-arena.ts';
import { SystemError } from '../system-error.ts';

export { MAX_FDS } from './message-arena.ts';

const MSG_PEEK = 0x02;
const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SO_PEEK_OFF = 42;
const SCM_RIGHTS = 1;
const EINTR = 4;
const EAGAIN = 11;

/** The most bytes one call moves. */
const CHUNK = 65536;
const FEW = 64;

/** Nothing moved: the socket is non-blocking and not ready, or a signal came between. */
export const WOULD_BLOCK = -1;

/** A connected stream socket whose messages may carry descriptors. */
export class MessageSocket {
  readonly fd: number;
  readonly #arena = MessageArena.ofThread();
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
    return this.#receive(target, fds, CHUNK, MSG_CMSG_CLOEXEC);
  }

  /**
   * The same, but all stays in the socket, from {@link peekOffset} on, which goes up by the count unless it is off. Descriptors are
   * duplicates, also where bytes that they came with were peeked before, or where only bytes before those were asked for. Stops behind bytes
   * that descriptors came with.
   */
  peek(target: Uint8Array, fds: number[]): number {
    return this.#receive(target, fds, ARENA_BYTES, MSG_CMSG_CLOEXEC | MSG_PEEK | MSG_DONTWAIT);
  }

  /**
   * Takes `count` bytes that were peeked out of the socket, and the descriptors that came with them; {@link peekOffset} goes down by as
   * many, in the same moment if they are of one message and at most 128 KiB. Descriptors go, but into `fds` where that is given.
   *
   * @throws SystemError of recvmsg
   */
  discard(count: number, fds?: number[]): void {
    for (let left = count; left > 0; ) {
      this.#arena.prepare(Math.min(left, ARENA_BYTES), fds === undefined ? 0 : CONTROL_SIZE);
      const done = Number(recvmsg(this.fd, this.#arena.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
      if (done === 0) return;
      if (done > 0) {
        left -= done;
        if (fds !== undefined && this.#arena.view.getUint32(MSGHDR.controllen, true) >= CMSG_HEADER) this.#takeFds(fds);
      } else if (errno() !== EINTR) throw new SystemError(errno(), 'recvmsg');
    }
  }

  /** Bytes between the first in the socket and the next that is peeked; -1: off. It is the socket's, and so outlives this process. */
  get peekOffset(): number {
    check(getsockopt(this.fd, SOL_SOCKET, SO_PEEK_OFF, OPTION, OPTION_LENGTH), 'getsockopt SO_PEEK_OFF', `descriptor ${this.fd}`);
    return OPTION[0] ?? -1;
  }

  set peekOffset(offset: number) {
    OPTION[0] = offset;
    check(setsockopt(this.fd, SOL_SOCKET, SO_PEEK_OFF, OPTION, OPTION.byteLength), 'setsockopt SO_PEEK_OFF', `descriptor ${this.fd}`);
  }

  #receive(target: Uint8Array, fds: number[], most: number, flags: number): number {
    const { view, address, data } = this.#arena;
    this.#arena.prepare(Math.min(target.length, most), CONTROL_SIZE);
    const count = Number(recvmsg(this.fd, address, flags));
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
const OPTION = new Int32Array(1);
const OPTION_LENGTH = Uint32Array.of(OPTION.byteLength);

function isTransient(error: number): boolean {
  return error === EAGAIN || error === EINTR;
}
