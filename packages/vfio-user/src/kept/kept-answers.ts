import { AnswerPipe, WOULD_BLOCK, type MessageSocket, type SaveDescriptor } from '@vpmem/native';
import { letGo, restOf, saveUnsent, type Unsent, type UnsentState } from './stream-state.ts';

/** What has to be sent over a socket: answers by way of a pipe that outlives the process, all else as ever. */
export class KeptAnswers {
  readonly #socket: MessageSocket;
  /** Absent until somebody has the device: others are not kept. */
  #pipe: AnswerPipe | undefined;
  /** Bytes of an answer that are in the pipe. */
  #piped = 0;
  /** What goes another way, and has not left. */
  readonly #waiting: Unsent[] = [];

  constructor(socket: MessageSocket) {
    this.#socket = socket;
  }

  /** Whether all has left. */
  get isEmpty(): boolean {
    return this.#piped === 0 && this.#waiting.length === 0;
  }

  /** Bytes of an answer that are in the pipe. */
  get piped(): number {
    return this.#piped;
  }

  get pipe(): AnswerPipe | undefined {
    return this.#pipe;
  }

  /** Goes on with those of another; they are this one's from now on. */
  restore(waiting: readonly Unsent[], pipe: AnswerPipe | undefined): void {
    this.#waiting.push(...waiting);
    this.#pipe = pipe;
  }

  /** From now on there is a pipe. @throws SystemError EMFILE */
  keep(): void {
    this.#pipe ??= new AnswerPipe();
  }

  /** Asks the pipe how much is in it, which may be from another process. @throws SystemError */
  recount(): void {
    this.#piped = this.#pipe?.pending ?? 0;
  }

  /** Puts it where it outlives this process, but for what no pipe can hold: descriptors, and more than any that QEMU asks for. @throws SystemError */
  put(answer: Uint8Array, fds: readonly number[]): void {
    if (answer.length === 0) return;
    if (this.#pipe?.holds(answer.length) === true && fds.length === 0 && this.#piped === 0) {
      this.#pipe.put(answer);
      this.#piped = answer.length;
    } else this.send(answer, fds);
  }

  /** Sends it now, or when it can. @throws SystemError EPIPE, ECONNRESET */
  send(bytes: Uint8Array, fds: readonly number[]): void {
    const sent = this.isEmpty ? this.#socket.send(bytes, fds) : WOULD_BLOCK;
    if (sent < bytes.length) this.#waiting.push(restOf({ bytes: Buffer.from(bytes), fds, owned: false }, sent));
  }

  /** Sends what can be sent; whether that was all. @throws SystemError EPIPE, ECONNRESET */
  flush(): boolean {
    if (this.#piped > 0) this.#piped -= Math.max(0, this.#pipe?.moveTo(this.#socket.fd, this.#piped) ?? 0);
    if (this.#piped > 0) return false;
    if (this.#waiting.length === 0) return true;
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const sent = this.#socket.send(first.bytes, first.fds);
      if (sent < first.bytes.length) {
        this.#waiting[0] = restOf(first, sent);
        return false;
      }
      letGo(first);
      this.#waiting.shift();
    }
    return true;
  }

  /** What waits outside of the pipe. */
  save(put: SaveDescriptor): UnsentState[] {
    return this.#waiting.map((each) => saveUnsent(each, put));
  }

  /** `forget` hears of each descriptor before it is closed. */
  close(forget: (fd: number) => void): void {
    if (this.#pipe !== undefined) [this.#pipe.readEnd, this.#pipe.writeEnd].forEach(forget);
    this.#pipe?.close();
    this.#waiting.forEach(letGo);
  }
}
