import { readSync } from 'node:fs';
import { EPOLLIN, EPOLLOUT, MessageSocket, type AnswerPipe, type EventLoop, type SaveDescriptor, type Watch, type WatchOptions } from '@vpmem/native';
import type { Conversation } from './conversation.ts';
import { IncomingMessages, type Message, type MessageHead } from './incoming-messages.ts';
import { letGo, readStreamState, restOf, saveUnsent, type ContinuedStream, type StreamState, type Unsent } from './kept/stream-state.ts';

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
export class MessageStream implements Conversation {
  readonly #socket: MessageSocket;
  readonly #sink: MessageSink;
  readonly #loop: EventLoop;
  readonly #options: WatchOptions;
  readonly #incoming = new IncomingMessages();
  /** Absent while it is suspended. */
  #watch: Watch | undefined;
  /** That of a stream which was kept where it comes from; what it holds leaves first. */
  #pipe: AnswerPipe | undefined;
  #unsent: Unsent | undefined;
  readonly #waiting: Unsent[] = [];
  #open = true;
  #suspended: boolean;
  /** Ends a pause, whose end it takes back. */
  #paused: (() => void) | undefined;

  /**
   * Takes over the connected socket `fd`, unless it throws.
   *
   * @throws RangeError for a state that is none, or of `take`
   */
  constructor(fd: number, loop: EventLoop, sink: MessageSink, options: WatchOptions = {}, continues?: ContinuedStream) {
    this.#socket = new MessageSocket(fd);
    this.#sink = sink;
    this.#loop = loop;
    this.#options = options;
    this.#suspended = continues !== undefined;
    if (continues === undefined) this.#listen();
    else {
      const { unsent, pipe } = readStreamState(continues, this.#incoming);
      [this.#unsent] = unsent;
      this.#waiting.push(...unsent.slice(1));
      this.#pipe = pipe;
    }
  }

  /** The socket's descriptor; the stream's own. */
  get fd(): number {
    return this.#socket.fd;
  }

  /**
   * Sends one message, header first, whose bytes may be another's after that; `fds` ride on its first byte, and have to stay open until then. It leaves as the peer
   * takes it, after those before it: nothing is read meanwhile, so only commands of our own can wait for a reply to leave.
   */
  send(message: Uint8Array, fds: readonly number[] = []): void {
    if (!this.#open) return;
    if (this.#unsent !== undefined) {
      this.#waiting.push({ bytes: Buffer.from(message), fds, owned: false });
      return;
    }
    try {
      const sent = this.#socket.send(message, fds);
      if (sent === message.length) return;
      this.#unsent = restOf({ bytes: Buffer.from(message), fds, owned: false }, sent);
      this.#listen();
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  /** Nothing is. */
  keep(): void {
    // There is nothing to do.
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

  /** Hears nothing of the peer until {@link proceed}, nor that it goes. What is sent still leaves, if the peer takes it at once. */
  suspend(): void {
    if (this.#suspended) return;
    this.#suspended = true;
    this.#paused?.();
    this.#paused = undefined;
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Goes on after {@link suspend}, or where another left off. */
  proceed(): void {
    if (!this.#open || !this.#suspended) return;
    this.#suspended = false;
    if (this.#pipe !== undefined) this.#empty(this.#pipe);
    this.#listen();
    this.#deliver();
  }

  #empty(pipe: AnswerPipe): void {
    this.#pipe = undefined;
    const bytes = Buffer.alloc(pipe.pending);
    if (bytes.length > 0) {
      if (this.#unsent !== undefined) this.#waiting.unshift(this.#unsent);
      this.#unsent = { bytes: bytes.subarray(0, readSync(pipe.readEnd, bytes)), fds: [], owned: false };
    }
    pipe.close();
    this.#socket.peekOffset = -1;
  }

  /** What has been read of messages that are not whole, and what the peer has not taken. To be asked for while it is suspended. */
  save(put: SaveDescriptor): StreamState {
    const { bytes, fds } = this.#incoming.save();
    const unsent = this.#unsent === undefined ? [] : [this.#unsent, ...this.#waiting];
    return { received: bytes.toString('base64'), descriptors: fds.map(put), unsent: unsent.map((each) => saveUnsent(each, put)) };
  }

  /** Closes the socket and everything that arrived and was not handed out; the sink hears nothing more. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#paused?.();
    this.#watch?.close();
    this.#socket.close();
    this.#incoming.clear();
    for (const unsent of [this.#unsent, ...this.#waiting]) if (unsent !== undefined) letGo(unsent);
    this.#pipe?.close();
  }

  #listen(): void {
    if (this.#suspended || !this.#open) return;
    const events = this.#unsent !== undefined ? EPOLLOUT : this.#paused === undefined ? EPOLLIN : 0;
    if (this.#watch === undefined) this.#watch = this.#loop.watch(this.#socket.fd, events, () => this.#ready(), this.#options);
    else this.#watch.modify(events);
  }

  #ready(): void {
    try {
      if (this.#unsent === undefined) this.#receive();
      else this.#flush(this.#unsent);
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  #flush(unsent: Unsent): void {
    const sent = this.#socket.send(unsent.bytes, unsent.fds);
    if (sent < unsent.bytes.length) {
      this.#unsent = restOf(unsent, sent);
      return;
    }
    letGo(unsent);
    this.#unsent = this.#waiting.shift();
    this.#listen();
  }

  #receive(): void {
    const incoming = this.#incoming;
    const count = this.#socket.receive(incoming.target(), incoming.fds);
    if (count === 0) this.#end(incoming.received === 0 ? undefined : 'the connection ended inside a message');
    if (count <= 0) return;
    incoming.arrived(count);
    this.#deliver();
  }

  #deliver(): void {
    const incoming = this.#incoming;
    while (this.#open && !this.#suspended) {
      const message = incoming.next();
      if (message === undefined) break;
      this.#sink.message(message);
    }
    if (incoming.problem !== undefined && this.#open) this.#reject(incoming.problem);
  }

  /** Where the next message would begin cannot be told any more; whose header is whole gets to know it. */
  #reject(reason: string): void {
    const { head } = this.#incoming;
    if (head !== undefined) this.#sink.malformed(head);
    this.#end(reason);
  }

  #end(reason?: string): void {
    if (!this.#open) return;
    this.close();
    this.#sink.ended(reason);
  }
}
