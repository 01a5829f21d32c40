import { acceptUnix, adoptSocket, connectUnix, EPOLLIN, SystemError, UnixStream, type EventLoop, type Watch } from '@vpmem/native';
import { ClientQueue, ConnectedChardev, Connection, listenAt, type Chardev, type Serve } from '@vpmem/chardev';
import { MonitorError } from '@vpmem/monitor';
import { closeSync } from 'node:fs';

/** Milliseconds that nobody is accepted after one could not be. */
const PAUSE = 200;

/** A unix socket as a chardev has it. */
export interface UnixChardevOptions {
  /** A path, or a descriptor that this process was given. */
  readonly at: { readonly path: string } | { readonly fd: number };
  readonly server: boolean;
  /** Start-up waits for the first client. */
  readonly wait: boolean;
  readonly telnet: boolean;
}

/** A client whose messages may carry descriptors. */
export class UnixConnection extends Connection {
  readonly #stream: UnixStream;

  constructor(stream: UnixStream, telnet: boolean) {
    super(stream, stream, { telnet });
    this.#stream = stream;
  }

  /** Descriptors that came with bytes before `end`, counted from the first one; the caller owns them. */
  takeDescriptors(end: number): number[] {
    return this.#stream.takeDescriptors(end);
  }
}

/** A unix socket that listens, at a path of its own or on a descriptor it was given, and serves one client at a time. */
class UnixServer implements Chardev {
  readonly filename: string;
  readonly #clients: ClientQueue<UnixStream>;
  readonly #fd: number;
  readonly #remove: () => void;
  readonly #loop: EventLoop;
  readonly #watch: Watch;
  #closed = false;

  constructor(fd: number, options: UnixChardevOptions, loop: EventLoop, remove: () => void) {
    this.filename = describe(options);
    this.#fd = fd;
    this.#remove = remove;
    this.#clients = new ClientQueue({ limit: 1, wait: options.wait, connect: (stream) => new UnixConnection(stream, options.telnet) });
    this.#loop = loop;
    this.#watch = loop.watch(fd, EPOLLIN, () => this.#acceptAll());
  }

  start(serve: Serve): Promise<void> {
    return this.#clients.start(serve);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#watch.close();
    this.#remove();
    closeSync(this.#fd);
    this.#clients.close();
    return Promise.resolve();
  }

  #acceptAll(): void {
    try {
      for (let client = acceptUnix(this.#fd); client !== undefined; client = acceptUnix(this.#fd)) this.#clients.accept(new UnixStream(client, this.#loop));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // Out of descriptors, for one: whoever waits does so until some may be free, and nobody spins meanwhile.
      this.#watch.modify(0);
      this.#loop.after(PAUSE, () => {
        if (!this.#closed) this.#watch.modify(EPOLLIN);
      });
    }
  }
}

function unixClient(fd: number, options: UnixChardevOptions, loop: EventLoop): Chardev {
  return new ConnectedChardev(describe(options), new UnixConnection(new UnixStream(fd, loop), options.telnet));
}

/** Opens it; nobody is served before `start`. @throws MonitorError */
export function openUnixChardev(options: UnixChardevOptions, loop: EventLoop): Chardev {
  const { at, server } = options;
  try {
    if ('fd' in at) {
      const fd = adoptSocket(at.fd);
      return server ? new UnixServer(fd, options, loop, () => undefined) : unixClient(fd, options, loop);
    }
    if (!server) return unixClient(adoptSocket(connectUnix(at.path)), options, loop);
    const { fd, remove } = listenAt(at.path);
    return new UnixServer(fd, options, loop, remove);
  } catch (error) {
    if (!(error instanceof SystemError || error instanceof RangeError)) throw error;
    throw new MonitorError('fd' in at ? 'bad-address' : 'connect', `cannot use ${describe(options)}: ${error.message}`, { cause: error });
  }
}

function describe({ at, server }: UnixChardevOptions): string {
  return `${'fd' in at ? `fd:${at.fd}` : `unix:${at.path}`}${server ? ',server=on' : ''}`;
}
