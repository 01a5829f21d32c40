import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { serveQmp, type EventData, type EventName, type QmpSession } from '@vpmem/qmp';
import { idleHandlers } from '@vpmem/qmp/testing';
import { fileStem, ProgramEntry } from '@vpmem/running-programs';
import type { PmemInfo } from './pmem-info.ts';

/** What a {@link FakeProgram} says of itself. */
export interface FakeProgramOptions {
  /** Any number: this process is many programs. */
  readonly pid: number;
  /** Default `vpmemd`. */
  readonly program?: string;
  readonly name?: string;
  readonly devices?: readonly PmemInfo[];
}

/** A program in a folder for sockets that has no devices, but says that it has, for tests of who watches. */
export class FakeProgram {
  /** What `query-pmem` answers from now on. */
  devices: readonly PmemInfo[];
  /** How often it was asked. */
  questions = 0;
  readonly pid: number;
  readonly qmp: string;
  readonly #server: Server;
  readonly #entry: ProgramEntry;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<QmpSession>();
  #answering = Promise.resolve();
  #answerAgain: () => void = () => undefined;
  #refusing = false;
  #closed = false;

  private constructor(folder: string, server: Server, qmp: string, { pid, program = 'vpmemd', name, devices = [] }: FakeProgramOptions) {
    this.pid = pid;
    this.qmp = qmp;
    this.devices = devices;
    this.#server = server;
    server.on('connection', (socket: Socket) => this.#serve(socket, program));
    this.#entry = new ProgramEntry(folder, { program, pid, qmp, started: new Date(pid * 1000).toISOString(), ...(name !== undefined && { name }) });
  }

  /** One that was started at `pid` seconds after 1970, and listens. */
  static async start(folder: string, options: FakeProgramOptions): Promise<FakeProgram> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const qmp = join(folder, `${fileStem({ program: options.program ?? 'vpmemd', pid: options.pid })}.qmp`);
    const server = createServer({ allowHalfOpen: true });
    server.listen(qmp);
    await once(server, 'listening');
    return new FakeProgram(folder, server, qmp, options);
  }

  /** How many look at it. */
  get clients(): number {
    return this.#sockets.size;
  }

  /** Tells all who look at it. */
  event<N extends EventName>(name: N, data: EventData<N>): void {
    for (const session of this.#sessions) session.event(name, data);
  }

  /** Answers nothing until the function is called that comes back. */
  hang(): () => void {
    this.#answering = new Promise((resolve) => (this.#answerAgain = resolve));
    return this.#answerAgain;
  }

  /** Hangs up on all, and on whoever comes, until it is called with `false`. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
    if (refusing) for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends, as if it were killed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#entry.remove();
    this.#answerAgain();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.qmp, { force: true });
  }

  #serve(socket: Socket, program: string): void {
    if (this.#refusing) {
      socket.destroy();
      return;
    }
    const session = serveQmp(socket, {
      version: { qemu: { major: 11, minor: 1, micro: 3 }, package: `${program} 0.0.0` },
      handlers: idleHandlers({
        'query-pmem': async () => {
          this.questions++;
          await this.#answering;
          return [...this.devices];
        },
      }),
    });
    this.#sockets.add(socket);
    this.#sessions.add(session);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#sessions.delete(session);
    });
  }
}
