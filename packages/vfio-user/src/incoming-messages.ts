import { closeSync } from 'node:fs';
import { Header, MAX_DATA_XFER_SIZE, MAX_MSG_FDS, RegionAccess } from './protocol.ts';

/** The longest message: a region access of the largest transfer. */
export const MAX_MESSAGE_SIZE = Header.size + RegionAccess.size + MAX_DATA_XFER_SIZE;
/**
 * What is read of a message at first, in bytes: a register read is no longer, and it is what a guest waits for. A shorter message can
 * have the beginning of the next behind it.
 */
const FIRST = Header.size + RegionAccess.size;
const SMALL_BODY = 4096;

/** What the header of a message says, but for its size. */
export interface MessageHead {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
}

/** One message as it arrived. It is valid during the callback only. */
export interface Message extends MessageHead {
  readonly body: Uint8Array;
  /** Begins where the body does, and may go on behind it. */
  readonly view: DataView;
  /** Descriptors that came along; whoever handles the message owns them. */
  readonly fds: number[];
}

/** Puts messages together from the pieces in which they come, and tells them apart. */
export class IncomingMessages {
  readonly #first = new Uint8Array(FIRST);
  readonly #header = new DataView(this.#first.buffer);
  readonly #firstBody = this.#first.subarray(Header.size);
  readonly #firstView = new DataView(this.#first.buffer, Header.size);
  readonly #smallBody = new Uint8Array(SMALL_BODY);
  readonly #smallView = new DataView(this.#smallBody.buffer);
  /** Bytes of the message that is coming in; 0 while that is not known. */
  #size = 0;
  /** Bytes there are of it, and of the next. */
  #received = 0;
  /** Where they begin in {@link #first}: behind the message that is handed out. */
  #begin = 0;
  /** The body of one longer than {@link FIRST}. */
  #body = this.#smallBody;
  #bodyView = this.#smallView;
  #fds: number[] = [];
  /** How many of those were there before the last read. */
  #fdsBefore = 0;
  /** Those of a message without any. */
  readonly #none: number[] = [];
  /** The one that is handed out. */
  readonly #message = { id: 0, command: 0, flags: 0, body: this.#firstBody, view: this.#firstView, fds: this.#none };
  #problem: string | undefined;

  /** Why where the next message begins cannot be told any more; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Bytes that belong to no message that was handed out. */
  get received(): number {
    return this.#received;
  }

  /** Bytes of the message that was handed out last, header and all. */
  get size(): number {
    return this.#begin;
  }

  /** The header of what is there, if it is whole. */
  get head(): MessageHead | undefined {
    if (this.#received < Header.size) return undefined;
    const { msg_id, cmd, flags } = Header.fields;
    return { id: msg_id.get(this.#header, 0), command: cmd.get(this.#header, 0), flags: flags.get(this.#header, 0) };
  }

  /** What the next piece's descriptors are to be appended to. */
  get fds(): number[] {
    this.#fdsBefore = this.#fds.length;
    return this.#fds;
  }

  /** Where the next piece belongs; never beyond the message, but for one shorter than {@link FIRST}. */
  target(): Uint8Array {
    if (this.#size > FIRST) return this.#body.subarray(this.#received - Header.size);
    return this.#received === 0 ? this.#first : this.#first.subarray(this.#received);
  }

  /** So many bytes have come to where they belong. */
  arrived(count: number): void {
    this.#received += count;
    if (this.#fds.length > MAX_MSG_FDS) this.#problem = `more than ${MAX_MSG_FDS} descriptors with one message`;
  }

  /** The next message that is whole; undefined if there is none. The one before is gone then. */
  next(): Message | undefined {
    if (this.#begin > 0) this.#shift();
    return this.#problem === undefined && this.#isWhole() ? this.#hand() : undefined;
  }

  /** All bytes that belong to no message that was handed out, and their descriptors. */
  save(): { readonly bytes: Buffer; readonly fds: readonly number[] } {
    const inFirst = Math.min(this.#received, FIRST);
    const first = this.#first.subarray(this.#begin, this.#begin + inFirst);
    // The body of a long one has what was in the first read too.
    const bytes = this.#size > FIRST ? [first.subarray(0, Header.size), this.#body.subarray(0, this.#received - Header.size)] : [first];
    return { bytes: Buffer.concat(bytes), fds: this.#fds };
  }

  /** Goes on where another was when it saved that; takes over `fds`. @throws RangeError if no message can have begun so, with `fds` still the caller's */
  restore(bytes: Uint8Array, fds: readonly number[]): void {
    this.#first.set(bytes.subarray(0, FIRST));
    this.#received = bytes.length;
    const size = bytes.length >= Header.size ? Header.fields.msg_size.get(this.#header, 0) : 0;
    if (bytes.length > FIRST) {
      if (size <= bytes.length || size > MAX_MESSAGE_SIZE) throw new RangeError(`${bytes.length} bytes of a message of ${size}: it has to have more than that, and at most ${MAX_MESSAGE_SIZE}`);
      this.#size = size;
      this.#beginBody(size - Header.size);
      this.#body.set(bytes.subarray(Header.size));
    }
    if (fds.length > MAX_MSG_FDS) throw new RangeError(`${fds.length} descriptors with a message: at most ${MAX_MSG_FDS} belong to one`);
    this.#fds = [...fds];
  }

  /** Forgets what has come and was not handed out, and closes its descriptors. */
  clear(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
    this.#size = 0;
    this.#received = 0;
    this.#begin = 0;
  }

  #shift(): void {
    if (this.#received > 0) this.#first.copyWithin(0, this.#begin, this.#begin + this.#received);
    this.#begin = 0;
  }

  #isWhole(): boolean {
    if (this.#received < Header.size) return false;
    if (this.#size === 0) {
      const size = Header.fields.msg_size.get(this.#header, 0);
      if (size < Header.size || size > MAX_MESSAGE_SIZE) {
        this.#problem = `a message of ${size} bytes`;
        return false;
      }
      this.#size = size;
      if (size > FIRST) this.#beginBody(size - Header.size);
    }
    return this.#received >= this.#size;
  }

  #beginBody(length: number): void {
    const small = length <= SMALL_BODY;
    this.#body = small ? this.#smallBody.subarray(0, length) : new Uint8Array(length);
    this.#bodyView = small ? this.#smallView : new DataView(this.#body.buffer);
    this.#body.set(this.#first.subarray(Header.size, this.#received));
  }

  #hand(): Message {
    const message = this.#message;
    const size = this.#size;
    const more = this.#received - size;
    const inFirst = size <= FIRST;
    message.id = Header.fields.msg_id.get(this.#header, 0);
    message.command = Header.fields.cmd.get(this.#header, 0);
    message.flags = Header.fields.flags.get(this.#header, 0);
    message.body = !inFirst ? this.#body : size === FIRST ? this.#firstBody : this.#first.subarray(Header.size, size);
    message.view = inFirst ? this.#firstView : this.#bodyView;
    message.fds = this.#fds.length === 0 ? this.#none : this.#takeFds(more > 0);
    this.#size = 0;
    this.#received = more;
    this.#begin = size;
    return message;
  }

  /** A message that has the beginning of the next behind it is too short for a command that takes descriptors: those that came with both are the next's. */
  #takeFds(sharedRead: boolean): number[] {
    const taken = this.#fds;
    this.#fds = sharedRead ? taken.splice(this.#fdsBefore) : [];
    return taken;
  }
}
