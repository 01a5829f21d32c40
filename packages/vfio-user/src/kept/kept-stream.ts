import { EPOLLET, EPOLLIN, EPOLLOUT, MessageSocket, WOULD_BLOCK, type EventLoop, type SaveDescriptor, type Watch, type WatchOptions } from '@vpmem/native';
import type { Conversation } from '../conversation.ts';
import { MessageNumber, type KeptChanges } from './kept.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { MessageSink } from '../message-stream.ts';
import { PeekedMessage } from './peeked-message.ts';
import { FLAG_TYPE_MASK, FLAG_TYPE_REPLY, Header } from '../protocol.ts';
import { readStreamState, type ContinuedStream, type Handled, type StreamState } from './stream-state.ts';

/** Pieces of a message that stay in the socket: more could fill it before the message is whole, and then nobody would go on. */
const MOST_PIECES = 32;
const NONE: readonly number[] = [];

/**
 * What a `MessageStream` is, for a process that may die at any instruction: the next one answers every message exactly once.
 * A message stays in the socket while it is carried out; its answer goes into a pipe that outlives the process; the message is taken out of
 * the socket; the kernel moves the answer from the pipe into it. How far a process got is told by three things that each change in one
 * moment: what is in the pipe, the socket's peek offset (what of the message that is carried out has not left), and a word of memory.
 */
export class KeptStream implements Conversation {
  readonly #socket: MessageSocket;
  readonly #sink: MessageSink;
  readonly #loop: EventLoop;
  readonly #options: WatchOptions;
  readonly #kept: KeptChanges;
  readonly #message = new PeekedMessage();
  #number = new MessageNumber();
  readonly #answers: KeptAnswers;
  #pieces = 0;
  #delivering = false;
  /** The answer to the message that is carried out. */
  #answer: Uint8Array | undefined;
  #answerFds = NONE;
  #handled: Handled | undefined;
  #open = true;
  #suspended: boolean;
  #watch: Watch | undefined;
  /** The beginning of a message is in the socket, which is readable for ever: only more of it is news. */
  #partial = false;
  #paused: (() => void) | undefined;

  /**
   * Takes over the connected socket `fd`, unless it throws.
   *
   * @throws RangeError for a state that is none, or of its `take`; SystemError
   */
  constructor(fd: number, loop: EventLoop, sink: MessageSink, kept: KeptChanges, options: WatchOptions = {}, continues?: ContinuedStream) {
    this.#socket = new MessageSocket(fd);
    this.#answers = new KeptAnswers(this.#socket);
    this.#sink = sink;
    this.#loop = loop;
    this.#kept = kept;
    this.#options = options;
    this.#suspended = continues !== undefined;
    if (continues === undefined) {
      this.#socket.peekOffset = 0;
      this.#listen();
    } else {
      const { unsent, pipe, handled } = readStreamState(continues, this.#message);
      this.#answers.restore(unsent, pipe);
      this.#handled = handled;
    }
  }

  get fd(): number {
    return this.#socket.fd;
  }

  keep(): void {
    this.#answers.keep();
    this.#number = new MessageNumber(this.#kept.word);
    if (!this.#suspended) this.#number.next();
  }

  send(message: Uint8Array, fds: readonly number[] = NONE): void {
    if (!this.#open) return;
    const isReply = ((message[Header.fields.flags.offset] ?? 0) & FLAG_TYPE_MASK) === FLAG_TYPE_REPLY;
    if (this.#delivering && isReply) {
      this.#answer = message;
      this.#answerFds = fds;
    } else this.#attempt(() => this.#sendDirectly(message, fds));
  }

  pause(milliseconds: number): void {
    if (!this.#open) return;
    this.#paused?.();
    this.#paused = this.#loop.after(milliseconds, () => {
      this.#paused = undefined;
      this.#listen();
    });
    this.#listen();
  }

  suspend(): void {
    if (this.#suspended) return;
    this.#suspended = true;
    this.#paused?.();
    this.#paused = undefined;
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Goes on after {@link suspend}, where another left off, or where another died. */
  proceed(): void {
    if (!this.#open || !this.#suspended) return;
    this.#suspended = false;
    this.#attempt(() => {
      this.#recover();
      this.#answers.flush();
      this.#listen();
      while (this.#open && !this.#suspended && this.#message.more >= 0) this.#deliver();
    });
  }

  save(put: SaveDescriptor): StreamState {
    const { bytes, fds } = this.#message.carried;
    const { pipe } = this.#answers;
    const handled = this.#handled && { number: this.#handled.number, answer: Buffer.from(this.#handled.answer).toString('base64') };
    return {
      received: bytes.toString('base64'),
      descriptors: fds.map(put),
      // What a process that dies has sent is not known: its function signals again.
      unsent: this.#suspended ? this.#answers.save(put) : [],
      ...(pipe && { kept: { pipe: [put(pipe.readEnd), put(pipe.writeEnd)], ...(handled && { handled }) } }),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#paused?.();
    this.#watch?.close();
    // Who is turned away while it is listened to hears why.
    if (this.#answer !== undefined) this.#sendLast(this.#answer, this.#answerFds);
    this.#kept.forget(this.#socket.fd);
    this.#socket.close();
    this.#answers.close(this.#kept.forget);
    this.#message.clear();
  }

  #listen(): void {
    if (this.#suspended || !this.#open) return;
    const events = !this.#answers.isEmpty ? EPOLLOUT : this.#paused !== undefined ? 0 : this.#partial ? EPOLLIN | EPOLLET : EPOLLIN;
    if (this.#watch === undefined) this.#watch = this.#loop.watch(this.#socket.fd, events, this.#ready, this.#options);
    else this.#watch.modify(events);
  }

  readonly #ready = (): void => {
    try {
      if (this.#answers.isEmpty) this.#receive();
      else if (this.#answers.flush()) this.#listen();
    } catch (error) {
      this.#end((error as Error).message);
    }
  };

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  /** Finishes what another, or this one before it was suspended, had begun. */
  #recover(): void {
    this.#message.forgetPeeked();
    this.#pieces = 0;
    this.#partial = false;
    this.#answers.recount();
    const carriedOut = Math.max(0, this.#socket.peekOffset);
    if (this.#answers.piped > 0 || this.#number.answered) this.#socket.discard(carriedOut);
    else if (carriedOut > 0 && this.#handled?.number === this.#number.value) {
      this.#answers.put(this.#handled.answer, NONE);
      this.#number.setAnswered();
      this.#socket.discard(carriedOut);
    }
    this.#handled = undefined;
    this.#socket.peekOffset = 0;
    this.#number.next();
  }

  #receive(): void {
    const message = this.#message;
    while (message.more < 0) {
      const count = this.#socket.peek(message.target(), message.fds);
      if (count === WOULD_BLOCK) return this.#await();
      if (count === 0) return this.#end(message.isEmpty ? undefined : 'the connection ended inside a message');
      message.arrived(count);
      this.#pieces++;
      if (message.problem !== undefined) return this.#reject(message.problem);
      if (message.lacksRoom) {
        message.makeRoom();
        this.#socket.peekOffset = 0;
      }
    }
    this.#deliver();
  }

  /** The rest of the message has not come yet. */
  #await(): void {
    const message = this.#message;
    if (message.peeked === 0) return;
    if (message.isLong || this.#pieces > MOST_PIECES) {
      this.#socket.discard(message.peeked);
      message.carry();
      this.#pieces = 0;
      this.#expect(false);
    } else this.#expect(true);
  }

  #expect(partial: boolean): void {
    if (this.#partial === partial) return;
    this.#partial = partial;
    this.#listen();
  }

  #deliver(): void {
    const message = this.#message;
    const mayHaveFds = message.more > 0 && this.#cut();
    this.#delivering = true;
    this.#sink.message(message.hand());
    this.#delivering = false;
    if (!this.#open) return;
    const answer = this.#takeAnswer();
    const fds = this.#answerFds;
    if (this.#kept.changed) {
      // An answer with descriptors is to a question that changes nothing, and can be asked again.
      this.#handled = answer !== undefined && fds.length > 0 ? undefined : { number: this.#number.value, answer: answer === undefined ? new Uint8Array(0) : Uint8Array.from(answer) };
      this.#kept.save();
    }
    if (answer !== undefined) this.#answers.put(answer, fds);
    this.#number.setAnswered();
    this.#socket.discard(message.inSocket, mayHaveFds ? message.fds : undefined);
    this.#number.next();
    message.done();
    this.#pieces = 0;
    this.#expect(false);
    if (!this.#answers.flush()) this.#listen();
  }

  #takeAnswer(): Uint8Array | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  /**
   * Something is here beyond the message: whoever goes on has to see where it ends. Descriptors came with what is beyond, or, where somebody
   * sends two messages as one, with both, and are the next's all the same; whether there were any.
   */
  #cut(): boolean {
    const had = this.#message.hasPeekedFds;
    this.#message.cut();
    this.#socket.peekOffset = this.#message.inSocket;
    return had;
  }

  #sendDirectly(bytes: Uint8Array, fds: readonly number[]): void {
    this.#answers.send(bytes, fds);
    if (!this.#answers.isEmpty) this.#listen();
  }

  #sendLast(answer: Uint8Array, fds: readonly number[]): void {
    try {
      this.#socket.send(answer, fds);
    } catch {
      // It is gone already.
    }
  }

  #reject(reason: string): void {
    const { head } = this.#message;
    if (head !== undefined) this.#sink.malformed(head);
    this.#end(reason);
  }

  #end(reason?: string): void {
    if (!this.#open) return;
    this.close();
    this.#sink.ended(reason);
  }
}
