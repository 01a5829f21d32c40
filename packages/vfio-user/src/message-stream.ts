import { closeSync } from 'node:fs';
import { EPOLLIN, EPOLLOUT, MessageSocket, WOULD_BLOCK, type EventLoop, type Watch, type WatchOptions } from '@vpmem/native';
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

interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/** Who gets the messages of a {@link MessageStream}. */
export interface MessageSink {
  message(message: Message): void;
  /** A header came that cannot be served; the last chance to answer it. {@link ended} follows. */
  malformed(head: MessageHead): void;
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
  #unsent: Unsent | undefined;
  readonly #waiting: Unsent[] = [];
  #open = true;
  /** Ends a pause, whose end it takes back. */
  #paused: (() => void) | undefined;

  /** Takes over the connected socket `fd`. */
  constructor(fd: number, loop: EventLoop, sink: MessageSink, options?: WatchOptions) {
    this.#socket = new MessageSocket(fd);
    this.#sink = sink;
    this.#loop = loop;
    this.#watch = loop.watch(fd, EPOLLIN, () => this.#ready(), options);
  }

  /**
   * Sends one message, header first, whose bytes may be another's after that; `fds` ride on its first byte, and have to stay open until then. It leaves as the peer
   * takes it, after those before it: nothing is read meanwhile, so only commands of our own can wait for a reply to leave.
   */
  send(message: Uint8Array, fds: readonly number[] = []): void {
    if (!this.#open) return;
    if (this.#unsent !== undefined) {
      this.#waiting.push({ bytes: Buffer.from(message), fds });
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

  /** Never beyond the message, but for one shorter than {@link FIRST}. */
  #receive(): void {
    const target = this.#size > FIRST ? this.#body.subarray(this.#received - Header.size) : this.#received === 0 ? this.#first : this.#first.subarray(this.#received);
    this.#fdsBefore = this.#fds.length;
    const count = this.#socket.receive(target, this.#fds);
    if (count === 0) this.#end(this.#received === 0 ? undefined : 'the connection ended inside a message');
    if (count <= 0) return;
    this.#received += count;
    if (this.#fds.length > MAX_MSG_FDS) return this.#reject(`more than ${MAX_MSG_FDS} descriptors with one message`);
    while (this.#open && this.#isWhole()) this.#deliver();
  }

  #isWhole(): boolean {
    if (this.#received < Header.size) return false;
    if (this.#size === 0) {
      const size = Header.fields.msg_size.get(this.#header, 0);
      if (size < Header.size || size > MAX_MESSAGE_SIZE) {
        this.#reject(`a message of ${size} bytes`);
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

  #deliver(): void {
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
    this.#sink.message(message);
    if (more > 0) this.#first.copyWithin(0, size, size + more);
  }

  /** A message that has the beginning of the next behind it is too short for a command that takes descriptors: those that came with both are the next's. */
  #takeFds(sharedRead: boolean): number[] {
    const taken = this.#fds;
    this.#fds = sharedRead ? taken.splice(this.#fdsBefore) : [];
    return taken;
  }

  #head(): MessageHead {
    const { msg_id, cmd, flags } = Header.fields;
    const view = this.#header;
    return { id: msg_id.get(view, 0), command: cmd.get(view, 0), flags: flags.get(view, 0) };
  }

  /** Where the next message would begin cannot be told any more; whose header is whole gets to know it. */
  #reject(reason: string): void {
    if (this.#received >= Header.size) this.#sink.malformed(this.#head());
    this.#end(reason);
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
