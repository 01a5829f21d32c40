import { closeSync } from 'node:fs';
import { EPOLLIN, EPOLLOUT, MessageSocket, WOULD_BLOCK, type EventLoop, type Watch } from '@vpmem/native';
import { Header, MAX_DATA_XFER_SIZE, MAX_MSG_FDS, RegionAccess } from './protocol.ts';

/** The longest message: a region access of the largest transfer. */
export const MAX_MESSAGE_SIZE = Header.size + RegionAccess.size + MAX_DATA_XFER_SIZE;
const SMALL_BODY = 4096;

/** One message as it arrived. Header and body are valid during the callback only. */
export interface Message {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  readonly body: Uint8Array;
  /** Descriptors that came along; whoever handles the message owns them. */
  readonly fds: number[];
}

interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/** Who gets the messages of a {@link MessageStream}. */
export interface MessageSink {
  message(message: Message): void;
  /** The peer is gone, or broke the framing; `reason` is absent when it just closed. Nothing follows. */
  ended(reason?: string): void;
}

/**
 * Messages over a non-blocking socket on an {@link EventLoop}. A peer may deliver them in any pieces and read our replies
 * as slowly as it likes: while a reply waits to be taken, nothing more is read.
 */
export class MessageStream {
  readonly #socket: MessageSocket;
  readonly #sink: MessageSink;
  readonly #watch: Watch;
  readonly #loop: EventLoop;
  readonly #header = new Uint8Array(Header.size);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #smallBody = new Uint8Array(SMALL_BODY);
  #body = this.#smallBody.subarray(0, 0);
  #received = 0;
  #fds: number[] = [];
  #unsent: Unsent | undefined;
  readonly #waiting: Unsent[] = [];
  #open = true;
  /** Ends a pause, whose end it takes back. */
  #paused: (() => void) | undefined;

  /** Takes over the connected socket `fd`. */
  constructor(fd: number, loop: EventLoop, sink: MessageSink) {
    this.#socket = new MessageSocket(fd);
    this.#sink = sink;
    this.#loop = loop;
    this.#watch = loop.watch(fd, EPOLLIN, () => this.#ready());
  }

  /**
   * Sends one message, header first; `fds` ride on its first byte, and have to stay open until then. It leaves as the peer
   * takes it, after those before it: nothing is read meanwhile, so only commands of our own can wait for a reply to leave.
   */
  send(message: Uint8Array, fds: readonly number[] = []): void {
    if (!this.#open) return;
    if (this.#unsent !== undefined) {
      this.#waiting.push({ bytes: message, fds });
      return;
    }
    try {
      const sent = this.#socket.send(message, fds);
      if (sent === message.length) return;
      this.#unsent = rest(Buffer.from(message), fds, sent);
      this.#listen();
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  /** Takes no more messages for so long, in milliseconds: the peer can send what the socket holds, and then has to wait. */
  pause(milliseconds: number): void {
    if (!this.#open) return;
    this.#paused?.();
    this.#paused = this.#loop.after(milliseconds, () => {
      this.#paused = undefined;
      this.#listen();
    });
    this.#listen();
  }

  /** Closes the socket and everything that arrived and was not handed out; the sink hears nothing more. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#paused?.();
    this.#watch.close();
    this.#socket.close();
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }

  #listen(): void {
    if (this.#unsent !== undefined) this.#watch.modify(EPOLLOUT);
    else this.#watch.modify(this.#paused === undefined ? EPOLLIN : 0);
  }

  #ready(): void {
    try {
      if (this.#unsent === undefined) this.#receive();
      else this.#flush(this.#unsent);
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  #flush({ bytes, fds }: Unsent): void {
    const sent = this.#socket.send(bytes, fds);
    if (sent < bytes.length) {
      this.#unsent = rest(bytes, fds, sent);
      return;
    }
    this.#unsent = this.#waiting.shift();
    this.#listen();
  }

  /**
   * One header or one body at a time and never a byte more: a longer read could join two messages, and the descriptors of
   * the second would be taken for the first's.
   */
  #receive(): void {
    if (this.#received < Header.size) {
      if (!this.#fill(this.#header, 0)) return;
      const size = Header.fields.msg_size.get(this.#headerView, 0);
      if (size < Header.size || size > MAX_MESSAGE_SIZE) return this.#end(`a message of ${size} bytes`);
      const length = size - Header.size;
      this.#body = length <= SMALL_BODY ? this.#smallBody.subarray(0, length) : new Uint8Array(length);
    }
    if (!this.#fill(this.#body, Header.size)) return;
    this.#deliver();
  }

  /** Whether `target`, whose first byte is byte `start` of the message, is complete. */
  #fill(target: Uint8Array, start: number): boolean {
    if (this.#received < start + target.length) {
      const count = this.#socket.receive(target.subarray(this.#received - start), this.#fds);
      if (count === 0) this.#end(this.#received === 0 ? undefined : 'the connection ended inside a message');
      if (count <= 0) return false;
      this.#received += count;
      if (this.#fds.length > MAX_MSG_FDS) {
        this.#end(`more than ${MAX_MSG_FDS} descriptors with one message`);
        return false;
      }
    }
    return this.#received === start + target.length;
  }

  #deliver(): void {
    const { msg_id, cmd, flags } = Header.fields;
    const fds = this.#fds;
    this.#fds = [];
    this.#received = 0;
    this.#sink.message({
      id: msg_id.get(this.#headerView, 0),
      command: cmd.get(this.#headerView, 0),
      flags: flags.get(this.#headerView, 0),
      body: this.#body,
      fds,
    });
  }

  #end(reason?: string): void {
    if (!this.#open) return;
    this.close();
    this.#sink.ended(reason);
  }
}

/** What is still to be sent after `sent` bytes, which may be {@link WOULD_BLOCK}. */
function rest(bytes: Uint8Array, fds: readonly number[], sent: number): Unsent {
  return sent === WOULD_BLOCK ? { bytes, fds } : { bytes: bytes.subarray(sent), fds: [] };
}
