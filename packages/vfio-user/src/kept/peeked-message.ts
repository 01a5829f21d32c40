import { closeSync } from 'node:fs';
import { MAX_MESSAGE_SIZE, type Message, type MessageHead } from '../incoming-messages.ts';
import { Header, MAX_MSG_FDS, RegionAccess } from '../protocol.ts';

/** Room for every message that QEMU sends. */
const ROOM = 4096;
const REGISTER_READ = Header.size + RegionAccess.size;

/**
 * The message at the beginning of a socket, of which all that is here is still there too: but for what was carried, because it came from a
 * process that had taken it out, or because the socket might not hold all of it.
 */
export class PeekedMessage {
  #bytes = new Uint8Array(ROOM);
  #header = new DataView(this.#bytes.buffer);
  #view = new DataView(this.#bytes.buffer, Header.size);
  /** Bytes there are, and how many of them have left the socket. */
  #have = 0;
  #carried = 0;
  readonly #fds: number[] = [];
  #carriedFds = 0;
  readonly #none: number[] = [];
  readonly #registerRead: { bytes: Uint8Array<ArrayBuffer>; body: Uint8Array } = { bytes: this.#bytes, body: this.#bytes.subarray(Header.size, REGISTER_READ) };
  readonly #message = { id: 0, command: 0, flags: 0, body: this.#registerRead.body, view: this.#view, fds: this.#none };

  get fds(): number[] {
    return this.#fds;
  }

  /** Bytes that are here, and still in the socket. */
  get peeked(): number {
    return this.#have - this.#carried;
  }

  get isEmpty(): boolean {
    return this.#have === 0;
  }

  /** Its size, header and all; undefined while that is not known. */
  get size(): number | undefined {
    return this.#have < Header.size ? undefined : Header.fields.msg_size.get(this.#header, 0);
  }

  get head(): MessageHead | undefined {
    if (this.#have < Header.size) return undefined;
    const { msg_id, cmd, flags } = Header.fields;
    return { id: msg_id.get(this.#header, 0), command: cmd.get(this.#header, 0), flags: flags.get(this.#header, 0) };
  }

  /** Why it cannot be served, if it cannot. */
  get problem(): string | undefined {
    if (this.#fds.length > MAX_MSG_FDS) return `more than ${MAX_MSG_FDS} descriptors with one message`;
    const { size } = this;
    return size !== undefined && (size < Header.size || size > MAX_MESSAGE_SIZE) ? `a message of ${size} bytes` : undefined;
  }

  /** Bytes that are here beyond a whole message; negative: there is none. */
  get more(): number {
    const { size } = this;
    return size === undefined ? -1 : this.#have - size;
  }

  /** Whether it is longer than any that QEMU sends; a socket need not have room for it. */
  get isLong(): boolean {
    return (this.size ?? 0) > ROOM;
  }

  get lacksRoom(): boolean {
    return (this.size ?? 0) > this.#bytes.length;
  }

  /** Bytes of the message, which is whole, that are in the socket. */
  get inSocket(): number {
    return Math.max(0, (this.size ?? 0) - this.#carried);
  }

  get hasPeekedFds(): boolean {
    return this.#fds.length > this.#carriedFds;
  }

  /** Forgets what was peeked beyond the message, and descriptors, which came with that. */
  cut(): void {
    this.#have = Math.max(this.#carried, this.size ?? 0);
    for (const fd of this.#fds.splice(this.#carriedFds)) closeSync(fd);
  }

  /** Where the next piece belongs. */
  target(): Uint8Array {
    return this.#have === 0 ? this.#bytes : this.#bytes.subarray(this.#have);
  }

  arrived(count: number): void {
    this.#have += count;
  }

  /** Makes room for all of it. What was peeked has to be peeked again, from its beginning: of a piece that is cut in two, descriptors come twice. */
  makeRoom(): void {
    const bytes = new Uint8Array(this.size ?? ROOM);
    bytes.set(this.#bytes.subarray(0, this.#carried));
    this.forgetPeeked();
    this.#use(bytes);
  }

  /** All that is here has left the socket. */
  carry(): void {
    this.#carried = this.#have;
    this.#carriedFds = this.#fds.length;
  }

  /** What has left the socket. */
  get carried(): { readonly bytes: Buffer; readonly fds: readonly number[] } {
    return { bytes: Buffer.from(this.#bytes.subarray(0, this.#carried)), fds: this.#fds.slice(0, this.#carriedFds) };
  }

  /** Forgets the rest, which is in the socket. */
  forgetPeeked(): void {
    this.#have = this.#carried;
    for (const fd of this.#fds.splice(this.#carriedFds)) closeSync(fd);
  }

  /** As {@link IncomingMessages.restore}: what was received there has left the socket. */
  restore(bytes: Uint8Array, fds: readonly number[]): void {
    if (bytes.length > MAX_MESSAGE_SIZE || fds.length > MAX_MSG_FDS) throw new RangeError(`${bytes.length} bytes and ${fds.length} descriptors of a message: at most ${MAX_MESSAGE_SIZE} and ${MAX_MSG_FDS} belong to one`);
    if (bytes.length > ROOM) this.#use(new Uint8Array(MAX_MESSAGE_SIZE));
    this.#bytes.set(bytes);
    this.#have = bytes.length;
    this.#fds.push(...fds);
    this.carry();
  }

  /** The whole message. Nothing may be put here until {@link done} but descriptors, which are the next's. */
  hand(): Message {
    const message = this.#message;
    const size = this.size ?? 0;
    const { msg_id, cmd, flags } = Header.fields;
    message.id = msg_id.get(this.#header, 0);
    message.command = cmd.get(this.#header, 0);
    message.flags = flags.get(this.#header, 0);
    message.body = size === REGISTER_READ && this.#registerRead.bytes === this.#bytes ? this.#registerRead.body : this.#bytes.subarray(Header.size, size);
    message.view = this.#view;
    message.fds = this.#fds.length === 0 ? this.#none : this.#fds.splice(0);
    this.#carriedFds = 0;
    return message;
  }

  /** The message has left the socket; so have the descriptors that are here. */
  done(): void {
    const size = this.size ?? 0;
    const left = Math.max(0, this.#carried - size);
    if (left > 0) this.#bytes.copyWithin(0, size, size + left);
    this.#have = this.#carried = left;
    this.#carriedFds = this.#fds.length;
    if (this.#bytes !== this.#registerRead.bytes && left === 0) this.#use(this.#registerRead.bytes);
  }

  clear(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#header = new DataView(bytes.buffer);
    this.#view = new DataView(bytes.buffer, Header.size);
  }
}
