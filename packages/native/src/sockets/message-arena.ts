import { Mapping } from '../memory/mapping.ts';

/** The most descriptors one message can carry, either way. Linux allows 253. */
export const MAX_FDS = 64;
/** Bytes that one call can move. */
export const ARENA_BYTES = 2 ** 17;

// struct msghdr, struct iovec and the control buffer of a 64-bit Linux, then the data, in one arena.
export const MSGHDR = { iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 };
const IOV_AT = 64;
export const CONTROL_AT = 80;
export const CMSG_HEADER = 16;
export const CONTROL_SIZE = CMSG_HEADER + MAX_FDS * 4;
const DATA_AT = 512;

let shared: MessageArena | undefined;

/**
 * What recvmsg, sendmsg and write are told, in memory they can be pointed at. One arena serves all sockets of a thread; calls never
 * overlap. The pointers are written once, and of the lengths only the low halves: no call allocates.
 */
export class MessageArena {
  readonly #mapping = Mapping.anonymous(DATA_AT + ARENA_BYTES);
  /** Of the struct msghdr. */
  readonly address = this.#mapping.address;
  readonly dataAddress = this.address + BigInt(DATA_AT);
  readonly view = new DataView(this.#mapping.window(0, this.#mapping.length));
  readonly data = new Uint8Array(this.#mapping.window(DATA_AT, ARENA_BYTES));

  static ofThread(): MessageArena {
    return (shared ??= new MessageArena());
  }

  private constructor() {
    this.view.setBigUint64(MSGHDR.iov, this.address + BigInt(IOV_AT), true);
    this.view.setBigUint64(MSGHDR.iovlen, 1n, true);
    this.view.setBigUint64(MSGHDR.control, this.address + BigInt(CONTROL_AT), true);
    this.view.setBigUint64(IOV_AT, this.dataAddress, true);
  }

  /** Both in bytes, below 4 GiB. */
  prepare(length: number, controlLength: number): void {
    this.view.setUint32(IOV_AT + 8, length, true);
    this.view.setUint32(MSGHDR.controllen, controlLength, true);
    this.view.setUint32(MSGHDR.flags, 0, true);
  }
}
