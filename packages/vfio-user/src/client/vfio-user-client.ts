import { closeSync } from 'node:fs';
import { connectUnix, describeErrno, MessageSocket, waitReadable, WOULD_BLOCK } from '@vpmem/native';
import { MAX_MESSAGE_SIZE } from '../incoming-messages.ts';
import { Command, Errno, FLAG_ERROR, FLAG_NO_REPLY, FLAG_TYPE_MASK, FLAG_TYPE_REPLY, Header, MAX_MSG_FDS, Version } from '../protocol.ts';

/** The server's answer. The descriptors belong to whoever gets it. */
export interface Reply {
  readonly body: Uint8Array;
  readonly fds: number[];
}

/** The server answered with an errno, or the conversation broke. */
export class VfioUserError extends Error {
  override readonly name = 'VfioUserError';
  /** The errno as a symbol, `EBUSY`. */
  readonly code: string;

  constructor(what: string, errno: number) {
    const [code, text] = describeErrno(errno);
    super(`${what}: ${text} (${code})`);
    this.code = code;
  }
}

/** How a client waits for the server. */
export interface ClientOptions {
  /** Milliseconds to wait for a reply. Default 5000, as QEMU. */
  readonly timeoutMs?: number;
  /** Blocks until `fd` is readable or the time is over, and says which. Default: poll(2). */
  readonly wait?: (fd: number, timeoutMs: number) => boolean;
}

/** A blocking client: one command at a time, as QEMU's and Cloud Hypervisor's are. */
export class VfioUserClient {
  readonly #socket: MessageSocket;
  readonly #timeoutMs: number;
  readonly #wait: (fd: number, timeoutMs: number) => boolean;
  #nextId = 0;

  private constructor(socket: MessageSocket, options: ClientOptions) {
    this.#socket = socket;
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#wait = options.wait ?? waitReadable;
  }

  /** Connects to `path` and agrees on a version. @throws VfioUserError EBUSY if the device has a client; SystemError */
  static connect(path: string, options: ClientOptions = {}): VfioUserClient {
    const client = new VfioUserClient(new MessageSocket(connectUnix(path)), options);
    try {
      const json = Buffer.from(`${JSON.stringify({ capabilities: { max_msg_fds: MAX_MSG_FDS } })}\0`);
      client.request(Command.VERSION, Buffer.concat([Version.encode({ major: 0, minor: 1 }), json]));
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** Sends a command and waits for its answer. @throws VfioUserError with the server's errno, ETIMEDOUT, ECONNRESET or EPROTO */
  request(command: number, body: Uint8Array = new Uint8Array(), fds: readonly number[] = []): Reply {
    const id = this.send(command, body, fds);
    const reply = this.receive();
    const { msg_id, flags, error_no } = reply.header;
    if (msg_id !== id || (flags & FLAG_TYPE_MASK) !== FLAG_TYPE_REPLY) throw new VfioUserError(`command ${command}`, Errno.EPROTO);
    if ((flags & FLAG_ERROR) !== 0) throw new VfioUserError(`command ${command}`, error_no);
    return reply;
  }

  /** Sends a command without waiting; returns its message id. */
  send(command: number, body: Uint8Array = new Uint8Array(), fds: readonly number[] = [], options: { noReply?: boolean } = {}): number {
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    const flags = options.noReply === true ? FLAG_NO_REPLY : 0;
    const header = Header.encode({ msg_id: id, cmd: command, msg_size: Header.size + body.length, flags });
    this.sendRaw(Buffer.concat([header, body]), fds);
    return id;
  }

  /** Sends bytes as they are, message or not. */
  sendRaw(bytes: Uint8Array, fds: readonly number[] = []): void {
    for (let sent = 0; sent < bytes.length; ) {
      const count = this.#socket.send(bytes.subarray(sent), sent === 0 ? fds : []);
      if (count === WOULD_BLOCK) throw new VfioUserError('the server does not read', ETIMEDOUT);
      sent += count;
    }
  }

  /** The next message from the server. @throws VfioUserError */
  receive(): Reply & { readonly header: ReturnType<typeof Header.decode> } {
    const fds: number[] = [];
    const head = this.#receiveExactly(Header.size, fds);
    const header = Header.decode(new DataView(head.buffer));
    if (header.msg_size < Header.size || header.msg_size > MAX_MESSAGE_SIZE) {
      for (const fd of fds) closeSync(fd);
      throw new VfioUserError(`a message of ${header.msg_size} bytes`, Errno.EPROTO);
    }
    return { header, body: this.#receiveExactly(header.msg_size - Header.size, fds), fds };
  }

  close(): void {
    this.#socket.close();
  }

  #receiveExactly(length: number, fds: number[]): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let received = 0; received < length; ) {
      if (!this.#wait(this.#socket.fd, this.#timeoutMs)) throw new VfioUserError('no answer from the server', ETIMEDOUT);
      const count = this.#socket.receive(bytes.subarray(received), fds);
      if (count === 0) throw new VfioUserError('the server closed the connection', ECONNRESET);
      received += Math.max(0, count);
    }
    return bytes;
  }
}

const ECONNRESET = 104;
const ETIMEDOUT = 110;
