import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Round } from '@vpmem/watch';
import { newToken } from './access.ts';
import { Board } from './board.ts';
import { DashboardError } from './dashboard-error.ts';
import { ReportFolder } from './report-folder.ts';
import { RequestHandler } from './request-handler.ts';

/** Connections at once: a browser has six. */
const MOST_CONNECTIONS = 64;

/** What a dashboard shows, where, and what may be done from its page. */
export interface DashboardOptions {
  /** What is shown: a Watch, or anything else that has rounds. */
  readonly rounds: AsyncIterable<Round>;
  /** Of 127.0.0.1; 0, the default, is any that is free. */
  readonly port?: number;
  /** Whether the page may cut the power, plan faults and set limits. Default: it may not. */
  readonly control?: boolean;
  /** A folder with reports of the explorer. */
  readonly reports?: string | undefined;
}

/** A page about programs of vpmem, served on loopback to whoever has its address. */
export class Dashboard {
  readonly #server: Server;
  readonly #board: Board;
  readonly #closing: AbortController;
  readonly #address: string;
  /** Settles when there are no more rounds, after {@link close} too; rejects with what a round has failed with. */
  readonly ended: Promise<void>;

  /** Begins to serve, and to take rounds. @throws DashboardError for a port that cannot be had, and a folder that is not there */
  static async start({ rounds, port = 0, control = false, reports }: DashboardOptions): Promise<Dashboard> {
    const folder = reports === undefined ? undefined : new ReportFolder(reports);
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 });
    server.maxConnections = MOST_CONNECTIONS;
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new DashboardError(portProblem(port, error as NodeJS.ErrnoException));
    }
    return new Dashboard(server, rounds, control, folder);
  }

  private constructor(server: Server, rounds: AsyncIterable<Round>, control: boolean, folder: ReportFolder | undefined) {
    const token = newToken();
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    this.#board = new Board({ control });
    this.#closing = new AbortController();
    this.#address = `http://127.0.0.1:${port}/?token=${token}`;
    const handler = new RequestHandler({ board: this.#board, control, folder, port, token, signal: this.#closing.signal });
    server.on('request', (request, response) => void handler.handle(request, response));
    this.ended = this.#follow(rounds);
    this.ended.catch(() => undefined);
  }

  /** What to open in a browser; whoever has it may look. */
  get address(): string {
    return this.#address;
  }

  /** Ends all connections. The rounds are the caller's, who ends them. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #follow(rounds: AsyncIterable<Round>): Promise<void> {
    for await (const round of rounds) {
      if (this.#closing.signal.aborted) return;
      this.#board.take(round);
    }
  }
}

function portProblem(port: number, { code, message }: NodeJS.ErrnoException): string {
  const asked = `--port ${port}`;
  if (code === 'EADDRINUSE') return `${asked}: something else listens there on 127.0.0.1; choose another, or 0 for any that is free`;
  if (code === 'EACCES') return `${asked}: this user may not listen there; choose one from 1024 on, or 0 for any that is free`;
  return `${asked}: ${message}`;
}
