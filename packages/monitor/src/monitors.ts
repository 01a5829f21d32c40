import type { ManagedMachine } from '@vpmem/machine';
import type { About } from './about.ts';
import { ChardevError, openChardev, type Chardev, type Connection } from '@vpmem/chardev';
import { DeskLoader } from './desk-loader.ts';
import type { LineEditor } from './hmp/line-editor.ts';
import { MonitorError } from './monitor-error.ts';
import type { MonitorDesk } from './monitor-desk.ts';
import { onTerminal, type MonitorPlan, type PlannedMonitor } from './monitor-plan.ts';

/** Milliseconds that answers have to leave in, when it is over: clients that do not read are not waited for. */
const GRACE = 1000;

interface OpenMonitor {
  readonly planned: PlannedMonitor;
  readonly chardev: Chardev;
  readonly history: string[];
  /** For each client: settles when it has its answers. */
  readonly settling: Set<() => Promise<void>>;
}

/** How monitors are opened. */
export interface MonitorsOptions {
  /** What answers clients is loaded when the first one comes: for monitors that nobody may ever use. Default false. */
  readonly loadLate?: boolean;
  /** Listening sockets of a process whose place this one takes, by where they listen; those that are used are taken out. */
  readonly inherited?: Map<string, number>;
}

/** All monitors of a machine. */
export class Monitors {
  readonly #open: readonly OpenMonitor[];
  readonly #about: About;
  readonly #desk: DeskLoader;
  readonly #forgetEvents: () => void;
  /** Of the terminal, while somebody may type there. */
  #terminalLine: LineEditor | undefined;

  /**
   * Opens all that was planned, or nothing, and serves clients from then on, but for the terminal: {@link serveTerminal} has to
   * follow. Resolves when everybody is there who is to be waited for.
   *
   * @throws MonitorError, or the signal's reason, with nothing left open
   */
  static async open(plan: MonitorPlan, machine: ManagedMachine, about: About, { loadLate = false, inherited }: MonitorsOptions = {}): Promise<Monitors> {
    for (const warning of plan.warnings) about.warn(warning);
    const open: OpenMonitor[] = [];
    try {
      for (const planned of plan.monitors) open.push({ planned, chardev: await openPlanned(planned, inherited), history: [], settling: new Set() });
    } catch (error) {
      await Promise.all(open.map(({ chardev }) => chardev.close()));
      throw error;
    }
    const monitors = new Monitors(open, machine, about);
    await monitors.#start(loadLate);
    return monitors;
  }

  private constructor(open: readonly OpenMonitor[], machine: ManagedMachine, about: About) {
    this.#open = open;
    this.#about = about;
    this.#desk = new DeskLoader((Desk) => new Desk(machine, about, () => this.#chardevs()));
    this.#forgetEvents = machine.onEvent((event) => this.#desk.loaded?.tell(event));
  }

  /** Serves the monitor that is on the terminal, if one is. What is said there before comes before its prompt. */
  serveTerminal(): void {
    for (const monitor of this.#open.filter(({ planned }) => onTerminal(planned))) void monitor.chardev.start((connection) => this.#serve(monitor, connection));
  }

  /** Lets `write` put whole lines of somebody else's on the terminal: above what is being typed there, if anything is. */
  aboveTerminalLine(write: () => void): void {
    if (this.#terminalLine === undefined) write();
    else this.#terminalLine.above(write);
  }

  /** Where they listen, in the words of `-monitor`: `unix:PATH,server=on`. */
  get endpoints(): readonly string[] {
    return this.#open.flatMap(({ chardev: { endpoint } }) => endpoint ?? []);
  }

  /** The sockets that listen, and where; they stay these monitors'. */
  get listeners(): readonly { readonly at: string; readonly fd: number }[] {
    return this.#open.flatMap(({ chardev: { listener } }) => listener ?? []);
  }

  /** Lets answers leave that are under way, hangs up on all clients, and leaves no socket behind. */
  async close(): Promise<void> {
    const answered = Promise.all(this.#open.flatMap(({ settling }) => [...settling]).map((settled) => settled()));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([answered, new Promise((resolve) => (timer = setTimeout(resolve, GRACE)))]);
    clearTimeout(timer);
    this.#forgetEvents();
    await Promise.all(this.#open.map(({ chardev }) => chardev.close()));
  }

  async #start(loadLate: boolean): Promise<void> {
    const { program, signal } = this.#about;
    try {
      // Before any client comes, who has then nothing to wait for.
      if (!loadLate && this.#open.length > 0) await this.#desk.load();
      const clients = this.#open.filter(({ planned }) => !onTerminal(planned)).map((monitor) => {
        const { planned: { chardev: options }, chardev } = monitor;
        if (options.backend === 'socket' && options.wait) this.#about.info?.(`${program} waiting for connection on: ${chardev.filename}`);
        return chardev.start((connection) => this.#serve(monitor, connection));
      });
      await orAborted(Promise.all(clients), signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #serve(monitor: OpenMonitor, connection: Connection): Promise<void> {
    let desk;
    try {
      desk = await this.#desk.load();
    } catch (error) {
      this.#about.warn(`a client of a monitor cannot be answered: ${(error as Error).message}`);
      connection.hangUp();
      return;
    }
    try {
      await (monitor.planned.mode === 'readline' ? this.#serveHmp(desk, monitor, connection) : this.#serveQmp(desk, monitor, connection));
    } catch (error) {
      this.#about.internalError(error);
    }
  }

  async #serveHmp(desk: MonitorDesk, monitor: OpenMonitor, connection: Connection): Promise<void> {
    let running: Promise<void> = Promise.resolve();
    const settled = (): Promise<void> => running;
    monitor.settling.add(settled);
    try {
      await desk.serveHmp(connection, monitor.history, (command) => void (running = command), (editor) => {
        if (connection.terminal !== undefined) this.#terminalLine = editor;
      });
    } finally {
      if (connection.terminal !== undefined) this.#terminalLine = undefined;
      monitor.settling.delete(settled);
    }
  }

  async #serveQmp(desk: MonitorDesk, monitor: OpenMonitor, connection: Connection): Promise<void> {
    const { client, done } = desk.serveQmp(connection, monitor.planned.mode === 'control-pretty');
    const settled = async (): Promise<void> => {
      await client.session.idle();
      await connection.end();
    };
    monitor.settling.add(settled);
    try {
      await done;
    } finally {
      monitor.settling.delete(settled);
    }
  }

  #chardevs(): { label: string; filename: string }[] {
    return this.#open.map(({ planned: { label }, chardev: { filename } }) => ({ label, filename }));
  }
}

async function openPlanned({ option, chardev }: PlannedMonitor, inherited: Map<string, number> | undefined): Promise<Chardev> {
  try {
    return await openChardev(chardev, inherited);
  } catch (error) {
    if (error instanceof MonitorError || error instanceof ChardevError) throw new MonitorError(error.code, `${option}: ${error.message}`, { cause: error });
    throw error;
  }
}

async function orAborted(wait: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) {
    await wait;
    return;
  }
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', (abort = (): void => reject(signal.reason as Error)), { once: true }));
  try {
    await Promise.race([wait, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
