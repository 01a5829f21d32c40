import { closeSync } from 'node:fs';
import { MAX_FDS, MessageSocket, SystemError, whenReadable, WOULD_BLOCK } from '@vpmem/native';
import { HandOverError } from './hand-over-error.ts';

/** What one side says; its members are in `messages.ts`. */
export type Said = Readonly<Record<string, unknown>>;

const HEAD = 8;
/** Bytes of a message: all that is long goes through a file. */
const MOST = 1 << 20;

/** Something the other side said, with the descriptors that came along: the caller's to close. */
export interface Heard {
  readonly said: Said;
  readonly fds: number[];
}

/**
 * Messages of a hand-over on a connected stream socket: a length and a number of descriptors, four bytes each, little-endian, then JSON.
 * One side speaks at a time.
 */
export class Channel {
  readonly #socket: MessageSocket;
  readonly #fds: number[] = [];
  #received = Buffer.alloc(0);
  #closed = false;

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#socket = new MessageSocket(fd);
  }

  /** @throws HandOverError `broken` if the other side has gone, or takes nothing */
  say(said: Said, fds: readonly number[] = []): void {
    const json = Buffer.from(JSON.stringify(said));
    const message = Buffer.alloc(HEAD + json.length);
    message.writeUInt32LE(json.length, 0);
    message.writeUInt32LE(fds.length, 4);
    json.copy(message, HEAD);
    let sent = 0;
    try {
      sent = this.#socket.send(message, fds);
    } catch (error) {
      throw new HandOverError('broken', `the other side cannot be told anything any more: ${(error as Error).message}`, { cause: error });
    }
    // Who speaks has been heard before, so there is room.
    if (sent === WOULD_BLOCK || sent < message.length) throw new HandOverError('broken', 'the other side does not listen');
  }

  /** What the other side says next; undefined if it has hung up. @throws HandOverError `broken` after `patience` ms of silence, or for nonsense */
  async hear(patience: number): Promise<Heard | undefined> {
    const end = performance.now() + patience;
    for (;;) {
      const heard = this.#whole();
      if (heard !== undefined) return heard;
      const left = end - performance.now();
      if (left <= 0 || !(await whenReadable(this.#socket.fd, left))) throw new HandOverError('broken', `the other side said nothing for ${patience / 1000} s`);
      if (this.#closed || !this.#receive()) return undefined;
    }
  }

  /** Hangs up; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }

  /** False at the end. */
  #receive(): boolean {
    const portion = Buffer.alloc(65536);
    let count: number;
    try {
      count = this.#socket.receive(portion, this.#fds);
    } catch (error) {
      // It had not read all when it went.
      if (error instanceof SystemError && error.code === 'ECONNRESET') return false;
      throw new HandOverError('broken', `the other side cannot be heard: ${(error as Error).message}`, { cause: error });
    }
    if (count > 0) this.#received = Buffer.concat([this.#received, portion.subarray(0, count)]);
    return count !== 0;
  }

  #whole(): Heard | undefined {
    const received = this.#received;
    if (received.length < HEAD) return undefined;
    const length = received.readUInt32LE(0);
    const count = received.readUInt32LE(4);
    if (length > MOST || count > MAX_FDS) throw new HandOverError('broken', 'the other side speaks another language');
    if (received.length < HEAD + length) return undefined;
    if (this.#fds.length < count) throw new HandOverError('broken', `${count} descriptors were to come, and ${this.#fds.length} did`);
    const said = parse(received.subarray(HEAD, HEAD + length));
    this.#received = received.subarray(HEAD + length);
    return { said, fds: this.#fds.splice(0, count) };
  }
}

function parse(bytes: Buffer): Said {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Said;
  } catch {
    // Said below.
  }
  throw new HandOverError('broken', 'the other side speaks another language');
}
