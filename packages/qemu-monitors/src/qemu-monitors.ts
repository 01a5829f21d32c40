import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { ChardevError, exposureOf, type Chardev, type Connection } from '@vpmem/chardev';
import { MonitorError, type About, type LineEditor } from '@vpmem/monitor';
import { serveHmp, type History } from '@vpmem/monitor/commands';
import { adoptSocket, connectUnix, EventLoop, SystemError, UnixStream } from '@vpmem/native';
import type { QemuMachine } from '@vpmem/qemu';
import { Multiplexer } from './multiplexer.ts';
import { QemuShell } from './qemu-shell.ts';
import { QmpDesk } from './qmp-desk.ts';
import { QmpRelay } from './qmp-relay.ts';
import { openTakenChardev } from './taken-chardev.ts';
import type { TakenMonitor, TakenMonitors } from './taken-monitors.ts';

/** Milliseconds that a client has to read what was said before QEMU ended. */
const LAST_READ = 1000;

/** A QEMU that runs, as its monitors see it. */
export interface RunningQemu {
  readonly machine: QemuMachine;
  /** As in `11.1.3`. */
  readonly version: string;
}

interface Ready extends RunningQemu {
  readonly shell: QemuShell;
  readonly desk: QmpDesk;
}

interface Open {
  readonly taken: TakenMonitor;
  readonly chardev: Chardev;
  readonly history: History;
  readonly console: { readonly server: Server; readonly mux: Multiplexer } | undefined;
}

/** The monitors of a QEMU command line, served by this process. */
export class QemuMonitors {
  readonly #loop = new EventLoop();
  readonly #pumping: Promise<void>;
  readonly #about: About;
  readonly #chardevs: ReadonlySet<string>;
  readonly #open: Open[] = [];
  readonly #relays = new Set<QmpRelay>();
  readonly #ready: Promise<Ready>;
  #settle: (ready: Ready) => void = () => undefined;
  #giveUp: (error: Error) => void = () => undefined;
  #terminalLine: LineEditor | undefined;
  #forgetEvents: () => void = () => undefined;

  /**
   * Opens all of them, or none, and waits for the clients that are to be waited for. They are served when {@link attach} has been called.
   *
   * @throws MonitorError, or the signal's reason, with nothing left open
   */
  static async open({ monitors, chardevs }: TakenMonitors, about: About): Promise<QemuMonitors> {
    const opened = new QemuMonitors(chardevs, about);
    try {
      for (const taken of monitors) await opened.#openOne(taken);
      await opened.#start();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  private constructor(chardevs: ReadonlySet<string>, about: About) {
    this.#chardevs = chardevs;
    this.#about = about;
    this.#pumping = this.#loop.pump();
    this.#ready = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#giveUp = reject;
    });
    // Clients hear of it, by being hung up on.
    this.#ready.catch(() => undefined);
  }

  /** Serves clients from now on: QEMU is there. */
  attach({ machine, version }: RunningQemu): void {
    const shell = new QemuShell(machine, version, this.#chardevs, (error) => this.#about.internalError(error));
    this.#settle({ machine, version, shell, desk: new QmpDesk(machine, shell, this.#chardevs) });
    this.#forgetEvents = machine.onEvent(({ name, data }) => {
      // QEMU tells of all others itself.
      if (name.startsWith('PMEM_')) for (const relay of this.#relays) relay.event(name, data);
    });
  }

  /** Whether one of them is on this program's own terminal or pipes. */
  get useTerminal(): boolean {
    return this.#open.some(({ taken: { chardev } }) => chardev.kind === 'plain' && chardev.options.backend === 'stdio');
  }

  /** Lets `write` put whole lines of somebody else's on the terminal: above what is being typed there, if anything is. */
  aboveTerminalLine(write: () => void): void {
    if (this.#terminalLine === undefined) write();
    else this.#terminalLine.above(write);
  }

  /** Hangs up on everybody and leaves no socket behind. Who still has to read what QEMU said last has a second for it. */
  async close(): Promise<void> {
    this.#giveUp(new Error('QEMU has gone'));
    this.#forgetEvents();
    const noLonger = new AbortController();
    const read = Promise.all([...this.#relays].map(({ over }) => over)).finally(() => noLonger.abort());
    await Promise.race([read, setTimeout(LAST_READ, undefined, { signal: noLonger.signal }).catch(() => undefined)]);
    for (const { chardev, console } of this.#open) {
      await chardev.close();
      console?.server.close();
    }
    this.#loop.stop();
    await this.#pumping;
    this.#loop.close();
  }

  async #openOne(taken: TakenMonitor): Promise<void> {
    try {
      const exposure = taken.chardev.kind === 'plain' ? exposureOf(taken.chardev.options) : undefined;
      if (exposure !== undefined) this.#about.warn(`${taken.option}: ${exposure}`);
      const console = taken.console === undefined ? undefined : await this.#awaitConsole(taken.console);
      const chardev = await openTakenChardev(taken.chardev, this.#loop);
      this.#open.push({ taken, chardev, history: [], console });
    } catch (error) {
      if (error instanceof MonitorError || error instanceof ChardevError) throw new MonitorError(error.code, `${taken.option}: ${error.message}`, { cause: error });
      throw error;
    }
  }

  async #awaitConsole(path: string): Promise<NonNullable<Open['console']>> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    const console = new Promise<Socket>((resolve) => {
      server.once('connection', (socket: Socket) => {
        server.close();
        // It ends with QEMU, which is heard of elsewhere.
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
    const serveMonitor = (connection: Connection): Promise<void> => this.#serveHmp(connection, []);
    return { server, mux: new Multiplexer({ console, serveMonitor, exit: async () => (await this.#ready).machine.quit() }) };
  }

  async #start(): Promise<void> {
    const { program, signal } = this.#about;
    const clients = this.#open.map((monitor) => {
      const { chardev, taken } = monitor;
      const waits = taken.chardev.kind === 'unix' ? taken.chardev.options.wait : taken.chardev.kind === 'plain' && taken.chardev.options.backend === 'socket' && taken.chardev.options.wait;
      if (waits) this.#about.info?.(`${program} waiting for connection on: ${chardev.filename}`);
      return chardev.start((connection) => this.#serve(monitor, connection));
    });
    if (signal === undefined) {
      await Promise.all(clients);
      return;
    }
    signal.throwIfAborted();
    await Promise.race([Promise.all(clients), new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))]);
  }

  async #serve({ taken, history, console }: Open, connection: Connection): Promise<void> {
    try {
      if (console !== undefined) await console.mux.serve(connection);
      else if (taken.socket === undefined) await this.#serveHmp(connection, history);
      else await this.#serveQmp(connection, taken.socket, taken.mode === 'control-pretty');
    } catch (error) {
      this.#about.internalError(error);
    }
  }

  async #serveHmp(connection: Connection, history: History): Promise<void> {
    const ready = await this.#orNothing();
    if (ready === undefined) return;
    const greeting = { program: 'QEMU', version: ready.version, prompt: 'qemu' };
    try {
      await serveHmp(connection, ready.shell, greeting, history, () => undefined, (editor) => {
        if (connection.terminal !== undefined) this.#terminalLine = editor;
      });
    } finally {
      if (connection.terminal !== undefined) this.#terminalLine = undefined;
    }
  }

  async #serveQmp(connection: Connection, socket: string, pretty: boolean): Promise<void> {
    const ready = await this.#orNothing();
    if (ready === undefined) return;
    const qemu = this.#connect(socket);
    if (qemu === undefined) return;
    const relay = new QmpRelay(connection, qemu, {
      desk: ready.desk,
      gone: (device) => ready.machine.deviceGone(device),
      pretty,
      internalError: (error) => this.#about.internalError(error),
    });
    this.#relays.add(relay);
    try {
      await relay.serve();
    } finally {
      this.#relays.delete(relay);
      qemu.destroy();
    }
  }

  /** Undefined where QEMU has just gone. */
  #connect(socket: string): UnixStream | undefined {
    try {
      return new UnixStream(adoptSocket(connectUnix(socket)), this.#loop);
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }

  /** What there is to serve clients with; undefined if QEMU did not come, or went before. */
  async #orNothing(): Promise<Ready | undefined> {
    return await this.#ready.catch(() => undefined);
  }
}
