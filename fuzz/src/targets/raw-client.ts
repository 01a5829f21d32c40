import { closeSync } from 'node:fs';
import { MessageSocket, waitReadable } from '@vpmem/native';
import { must } from '../target.ts';

const HEADER = { size: 16, msgSize: 4, flags: 8, errorNo: 12 };
const TYPE_MASK = 0xf;
const FLAG_REPLY = 1;
const FLAG_NO_REPLY = 0x10;
const FLAG_ERROR = 0x20;
const LONGEST_MESSAGE = 2 ** 16 + 32;
const EINVAL = 22;

/** A vfio-user client that may send anything, and knows which replies it has a right to. */
export class RawClient {
  readonly #socket: MessageSocket;
  readonly #chunk = new Uint8Array(65536);
  #nextId = 0;
  /** What was received and is no whole reply yet. */
  #rest = Buffer.alloc(0);
  /** Replies to come, as ID:COMMAND. */
  readonly #owed: string[] = [];
  /** Every byte sent so far belongs to a message with a right header. */
  #framed = true;
  /** A header was sent that says of its message that it cannot be: the last that the server looks at, whose reply, if it comes, is EINVAL. */
  #impossible: string | undefined;
  #ended = false;

  /** Takes over a connected socket. */
  constructor(fd: number) {
    this.#socket = new MessageSocket(fd);
  }

  /** Bytes as they are. */
  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (this.#impossible === undefined) this.#framed &&= bytes.length === 0;
    this.#put(bytes, fds);
  }

  /** A message with a header that is right, or says that it has another `size`. */
  command(command: number, body: Uint8Array, { fds = [], flags = 0, size }: { readonly fds?: readonly number[]; readonly flags?: number; readonly size?: number } = {}): void {
    const message = Buffer.alloc(HEADER.size + body.length);
    const id = this.#nextId++ & 0xffff;
    message.writeUInt16LE(id, 0);
    message.writeUInt16LE(command, 2);
    message.writeUInt32LE(size ?? message.length, HEADER.msgSize);
    message.writeUInt32LE(flags, HEADER.flags);
    message.set(body, HEADER.size);
    if (this.#impossible === undefined) this.#expect(`${id}:${command}`, flags, size ?? message.length, message.length);
    this.#put(message, fds);
  }

  /** Reads what there is now; whether there was anything. */
  receive(): boolean {
    if (this.#ended || !waitReadable(this.#socket.fd, 0)) return false;
    const fds: number[] = [];
    try {
      const count = this.#socket.receive(this.#chunk, fds);
      this.#ended = count <= 0;
      this.#rest = Buffer.concat([this.#rest, this.#chunk.subarray(0, Math.max(0, count))]);
    } catch (error) {
      if (!String(error).includes('ECONNRESET')) throw error;
      this.#ended = true;
    }
    for (const fd of fds) closeSync(fd);
    while (this.#rest.length >= HEADER.size && this.#takeReply());
    return !this.#ended;
  }

  /** After everything has come to rest: nothing is owed by a server that is still there. */
  check(): void {
    if (this.#ended) return;
    must(this.#impossible === undefined, () => 'the server waits for the rest of a message that cannot be');
    must(!this.#framed || this.#owed.length === 0, () => `there is no reply to ${this.#owed.join(', ')}`);
  }

  close(): void {
    this.#socket.close();
  }

  /** What the server owes for a message of `length` bytes whose header says `size`: nothing for a reply, or where none is wanted. */
  #expect(what: string, flags: number, size: number, length: number): void {
    const cannotBe = size < HEADER.size || size > LONGEST_MESSAGE;
    if (this.#framed && cannotBe) this.#impossible = what;
    else if (size !== length) this.#framed = false;
    if ((flags & TYPE_MASK) !== FLAG_REPLY && (flags & FLAG_NO_REPLY) === 0) this.#owed.push(what);
  }

  #put(bytes: Uint8Array, fds: readonly number[]): void {
    try {
      if (this.#socket.send(bytes, fds) !== bytes.length) this.#framed = false;
    } catch (error) {
      // The server has hung up, as it may.
      if (!/EPIPE|ECONNRESET/.test(String(error))) throw error;
      this.#ended = true;
    }
  }

  /** Checks the first reply of the rest, if it is whole. */
  #takeReply(): boolean {
    const [size, flags, errno] = [HEADER.msgSize, HEADER.flags, HEADER.errorNo].map((at) => this.#rest.readUInt32LE(at)) as [number, number, number];
    must(size >= HEADER.size && size <= LONGEST_MESSAGE, () => `a reply of ${size} bytes`);
    if (size > this.#rest.length) return false;
    const what = `${this.#rest.readUInt16LE(0)}:${this.#rest.readUInt16LE(2)}`;
    must((flags & ~FLAG_ERROR) === FLAG_REPLY && ((flags & FLAG_ERROR) !== 0) === (errno !== 0), () => `a reply with flags 0x${flags.toString(16)} and errno ${errno}`);
    must(errno === 0 || size === HEADER.size, () => `an error reply of ${size} bytes`);
    if (this.#framed) must(this.#owed.shift() === what, () => `a reply ${what} that is not the next`);
    if (what === this.#impossible && this.#owed.length === 0) must(errno === EINVAL, () => `errno ${errno} for a message that cannot be`);
    this.#rest = this.#rest.subarray(size);
    return true;
  }
}
