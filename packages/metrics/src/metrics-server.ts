import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { ManagedMachine } from '@vpmem/machine';
import { adoptListener, listenAtPath, listeningDescriptor, SocketPathError, startListening } from '@vpmem/native';
import { acceptedFormat } from './accepted-format.ts';
import { FileChangeCounter } from './file-changes.ts';
import { FreshReads } from './fresh-reads.ts';
import { exposureWarning, formatMetricsAddress, MetricsError, metricsLocation, type MetricsAddress } from './metrics-address.ts';
import { MetricsWriter, type MachineReading, type MetricsFormat } from './metrics-text.ts';
import { PatientPmem, type Patience } from './patient-pmem.ts';
import { readProgram } from './program-metrics.ts';

/** Clients at a time: one that scrapes, another, and some that hang. Whoever comes then is hung up on. */
const MAX_CLIENTS = 16;
/** Milliseconds in which headers have to be there, in which a request has to be, and in which something has to be read or written. */
const LIMITS = { headers: 5000, request: 10_000, silence: 10_000, check: 1000 };
/** Bytes of all headers together. */
const MAX_HEADERS = 8192;
/** Milliseconds for which a client may come back on the same connection: scrapes are a minute apart at most, as a rule. */
const KEEP_ALIVE = 75_000;

/** What metrics are served of. */
export interface MetricsServerOptions {
  readonly address: MetricsAddress;
  /** A listening socket for it, of a process whose place this one takes; it is the server's from then on. */
  readonly inherited?: number | undefined;
  readonly machine: Pick<ManagedMachine, 'name' | 'pmem' | 'onEvent' | 'backends'>;
  readonly program: string;
  readonly version: string;
  /** One line for people. */
  readonly warn?: (text: string) => void;
  readonly patience?: Patience;
}

/** Tells of a machine by HTTP: GET and HEAD of /metrics, and nothing else. */
export class MetricsServer {
  readonly #server: Server;
  readonly #address: MetricsAddress;
  readonly #remove: () => void;
  readonly #changes: FileChangeCounter;
  readonly #texts: FreshReads<Texts>;

  /** @throws MetricsError with nothing left open */
  static async open(options: MetricsServerOptions): Promise<MetricsServer> {
    const server = createServer({
      maxHeaderSize: MAX_HEADERS,
      headersTimeout: LIMITS.headers,
      requestTimeout: LIMITS.request,
      connectionsCheckingInterval: LIMITS.check,
      keepAliveTimeout: KEEP_ALIVE,
    });
    server.maxConnections = MAX_CLIENTS;
    server.maxHeadersCount = 64;
    server.timeout = LIMITS.silence;
    const remove = await listen(server, options);
    const warning = exposureWarning(options.address);
    if (warning !== undefined) options.warn?.(warning);
    return new MetricsServer(server, remove, options);
  }

  private constructor(server: Server, remove: () => void, { address, machine, program, version, patience }: MetricsServerOptions) {
    this.#server = server;
    this.#address = 'path' in address ? address : { ...address, port: (server.address() as AddressInfo).port };
    this.#remove = remove;
    this.#changes = new FileChangeCounter(machine);
    const [pmem, writer] = [new PatientPmem(machine, patience), new MetricsWriter()];
    this.#texts = new FreshReads(async () => {
      const devices = (await pmem.ask()).map((info) => ({ info, fileChanges: this.#changes.of(info.path) }));
      return new Texts(writer, { machine: machine.name, program: readProgram({ program, version }), devices });
    });
    server.on('request', (request, response) => void this.#answer(request, response));
    // Out of descriptors, for one: that client is lost, the next may come in.
    server.on('error', () => undefined);
  }

  /** Where it is to be had, for people: a URL, or `unix:PATH`. */
  get location(): string {
    return metricsLocation(this.#address);
  }

  /** The socket that listens, which stays the server's; undefined once it is closed. */
  get fd(): number | undefined {
    return listeningDescriptor(this.#server);
  }

  /** Hangs up on everybody, and leaves no socket behind. */
  async close(): Promise<void> {
    this.#changes.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#remove();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const format = acceptedFormat(headers.accept);
    try {
      if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, 'only GET and HEAD are understood', { allow: 'GET, HEAD' });
      if (url.replace(/\?.*$/s, '') !== '/metrics') throw new Refusal(404, 'metrics are at /metrics');
      const body = await (await this.#texts.read()).in(format);
      response.writeHead(200, { 'content-type': format, 'content-length': body.length });
      response.end(method === 'HEAD' ? undefined : body);
    } catch (error) {
      refuse(response, error instanceof Refusal ? error : new Refusal(503, (error as Error).message.replaceAll(/\s+/g, ' ')));
    }
  }
}

/** A reading, written once in each format that somebody wants. */
class Texts {
  readonly #writer: MetricsWriter;
  readonly #reading: MachineReading;
  readonly #texts = new Map<MetricsFormat, Promise<Buffer>>();

  constructor(writer: MetricsWriter, reading: MachineReading) {
    this.#writer = writer;
    this.#reading = reading;
  }

  in(format: MetricsFormat): Promise<Buffer> {
    const known = this.#texts.get(format) ?? this.#writer.write(this.#reading, format).then((text) => Buffer.from(text));
    this.#texts.set(format, known);
    return known;
  }
}

/** What a client gets instead: one plain line. */
class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, line: string, headers: Readonly<Record<string, string>> = {}) {
    super(line);
    this.status = status;
    this.headers = headers;
  }
}

function refuse(response: ServerResponse, { status, message, headers }: Refusal): void {
  const body = Buffer.from(`${message}\n`);
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length, ...headers });
  response.end(body);
}

/** Returns how to take a path back. @throws MetricsError */
async function listen(server: Server, { address, inherited }: MetricsServerOptions): Promise<() => void> {
  if (!('path' in address)) {
    try {
      await startListening(server, inherited === undefined ? address : { fd: inherited });
    } catch (error) {
      throw tcpError(address, error as NodeJS.ErrnoException);
    }
    return () => undefined;
  }
  try {
    const { fd, remove } = inherited === undefined ? listenAtPath(address.path) : adoptListener(address.path, inherited);
    // The descriptor is the server's by now.
    await startListening(server, { fd }).catch((error: unknown) => {
      remove();
      throw error;
    });
    return remove;
  } catch (error) {
    throw new MetricsError(pathProblem(address.path, error as Error), { cause: error });
  }
}

function pathProblem(path: string, error: Error): string {
  if (!existsSync(dirname(path))) return `there is no folder '${dirname(path)}'; make it, or name another path`;
  return error instanceof SocketPathError ? error.message : `cannot listen at '${path}': ${error.message}`;
}

function tcpError(address: MetricsAddress, error: NodeJS.ErrnoException): MetricsError {
  const where = formatMetricsAddress(address);
  const because = (text: string): MetricsError => new MetricsError(text, { cause: error });
  switch (error.code) {
    case 'EADDRINUSE':
      return because(`somebody is listening at ${where} already; name another port`);
    case 'EACCES':
      return because(`this user may not listen at ${where}; name a port from 1024 on`);
    case 'EAFNOSUPPORT':
      return because(`this process may not have sockets for ${where}; allow them by RestrictAddressFamilies= of its unit, or give unix:PATH`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return because(`${where} is no address of this machine; name one that is`);
    default:
      return because(`cannot listen at ${where}: ${error.message}`);
  }
}
