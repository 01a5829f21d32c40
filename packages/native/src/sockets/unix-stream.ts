import { closeSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../events/epoll.ts';
import type { EventLoop, Watch } from '../events/event-loop.ts';
import { MessageSocket, WOULD_BLOCK } from './message-socket.ts';
import { shutdownWrites } from './unix-socket.ts';

/** Bytes that are read at once. */
const PORTION = 65536;

type Done = (error?: Error | null) => void;

interface Arrived {
  /** Bytes of the stream that came before them. */
  readonly at: number;
  readonly fds: number[];
}

/**
 * A connected unix socket as a stream of node's whose bytes may carry descriptors, either way: what node's own sockets cannot do.
 * It serves on an {@link EventLoop} of the same thread, whose `pump` has to run meanwhile.
 */
export class UnixStream extends Duplex {
  readonly #socket: MessageSocket;
  readonly #watch: Watch;
  readonly #portion = Buffer.alloc(PORTION);
  readonly #arrived: Arrived[] = [];
  /** Bytes that came. */
  #received = 0;
  #reading = false;
  #hungUp = false;
  #sending: { bytes: Uint8Array; fds: readonly number[]; readonly done: Done } | undefined;
  /** Descriptors that are to leave with a portion of bytes. */
  readonly #riders = new WeakMap<Buffer, readonly number[]>();

  /** Takes over `fd`, a connected stream socket that does not block. */
  constructor(fd: number, loop: EventLoop) {
    super({ allowHalfOpen: true });
    this.#socket = new MessageSocket(fd);
    this.#watch = loop.watch(fd, 0, (events) => this.#ready(events));
  }

  /** Descriptors that came with bytes before `end`, counted from the first of the stream; the caller owns them. */
  takeDescriptors(end: number): number[] {
    const fds: number[] = [];
    while ((this.#arrived[0]?.at ?? end) < end) fds.push(...(this.#arrived.shift()?.fds ?? []));
    return fds;
  }

  /** `write`, with descriptors that ride on the first byte; they are closed here when they have left, or never will. */
  writeWith(bytes: Uint8Array, fds: readonly number[], done: Done = () => undefined): boolean {
    const portion = Buffer.from(bytes);
    if (fds.length > 0) this.#riders.set(portion, fds);
    return this.write(portion, (error) => {
      fds.forEach((fd) => closeSync(fd));
      done(error);
    });
  }

  override _read(): void {
    this.#reading = true;
    // Whoever has hung up is not heard of again.
    if (this.#hungUp) this.#receive();
    else this.#rearm();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#sending = { bytes: chunk, fds: this.#riders.get(chunk) ?? [], done };
    this.#send();
  }

  override _final(done: Done): void {
    // A peer that has gone already needs no word.
    if (!this.#hungUp) shutdownWrites(this.#socket.fd);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#watch.close();
    this.#socket.close();
    for (const { fds } of this.#arrived.splice(0)) fds.forEach((fd) => closeSync(fd));
    const sending = this.#sending;
    this.#sending = undefined;
    sending?.done(error ?? new Error('the socket was closed'));
    done(error);
  }

  #ready(events: number): void {
    if ((events & EPOLLOUT) !== 0 && this.#sending !== undefined) this.#send();
    if ((events & EPOLLIN) !== 0 && this.#reading) this.#receive();
    if ((events & (EPOLLHUP | EPOLLERR)) === 0 || this.destroyed) return;
    // It is reported until the descriptor is not watched any more.
    this.#hungUp = true;
    this.#watch.close();
    if (this.#sending !== undefined) this.#send();
    if (this.#reading) this.#receive();
  }

  #receive(): void {
    const fds: number[] = [];
    let count: number;
    try {
      count = this.#socket.receive(this.#portion, fds);
    } catch (error) {
      fds.forEach((fd) => closeSync(fd));
      this.destroy(error as Error);
      return;
    }
    if (fds.length > 0) this.#arrived.push({ at: this.#received, fds });
    if (count === WOULD_BLOCK) return;
    this.#received += count;
    this.#reading = count > 0 && this.push(Buffer.from(this.#portion.subarray(0, count)));
    if (count === 0) this.push(null);
    if (!this.#hungUp) this.#rearm();
    else if (this.#reading) setImmediate(() => this.#reading && !this.destroyed && this.#receive());
  }

  #send(): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    try {
      const count = this.#socket.send(sending.bytes, sending.fds);
      if (count !== WOULD_BLOCK) {
        sending.bytes = sending.bytes.subarray(count);
        sending.fds = [];
      }
    } catch (error) {
      this.#sending = undefined;
      sending.done(error as Error);
      return;
    }
    if (sending.bytes.length === 0) {
      this.#sending = undefined;
      sending.done();
    }
    if (!this.#hungUp && !this.destroyed) this.#rearm();
  }

  #rearm(): void {
    this.#watch.modify((this.#reading ? EPOLLIN : 0) | (this.#sending === undefined ? 0 : EPOLLOUT));
  }
}
