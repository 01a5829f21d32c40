import type { ManagedMachine } from '@vpmem/machine';
import { openChardev } from './chardev/open-chardev.ts';
import type { Chardev } from './chardev/chardev.ts';
import type { Connection } from './chardev/connection.ts';
import { MonitorError } from './monitor-error.ts';
import type { MonitorPlan, PlannedMonitor } from './monitor-plan.ts';

/** Who has the monitors, and whom it tells. */
export interface About {
  /** The program's name, as in `vpmemd`. */
  readonly program: string;
  /** Its version, as in `1.2.3`. */
  readonly version: string;
  /** One line for people. */
  warn(text: string): void;
  /** A defect of ours; the connection it happened on is closed. */
  internalError(error: unknown): void;
  /** One line for people: that start-up waits for a client. */
  info?(text: string): void;
  /** Ends the wait for clients: nothing is opened then. */
  readonly signal?: AbortSignal;
}

/** One monitor that is open. */
interface OpenMonitor {
  readonly planned: PlannedMonitor;
  readonly chardev: Chardev;
}

/** All monitors of a machine. */
export class Monitors {
  readonly #open: readonly OpenMonitor[];
  readonly #about: About;

  /**
   * Opens all that was planned, or nothing, and serves clients from then on. Resolves when everybody is there who is to be
   * waited for.
   *
   * @throws MonitorError with nothing left open
   */
  static async open(plan: MonitorPlan, machine: ManagedMachine, about: About): Promise<Monitors> {
    for (const warning of plan.warnings) about.warn(warning);
    const open: OpenMonitor[] = [];
    try {
      for (const planned of plan.monitors) open.push({ planned, chardev: await openPlanned(planned) });
    } catch (error) {
      await Promise.all(open.map(({ chardev }) => chardev.close()));
      throw error;
    }
    const monitors = new Monitors(open, machine, about);
    await monitors.#start();
    return monitors;
  }

  private constructor(open: readonly OpenMonitor[], _machine: ManagedMachine, about: About) {
    this.#open = open;
    this.#about = about;
  }

  /** Where they listen, in the words of `-monitor`: `unix:PATH,server=on`. */
  get endpoints(): readonly string[] {
    return this.#open.map(({ chardev }) => chardev.filename.replace(/^disconnected:/, '')).filter((name) => name.endsWith(',server=on'));
  }

  /** Hangs up on all clients and leaves no socket behind. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map(({ chardev }) => chardev.close()));
  }

  async #start(): Promise<void> {
    const waits = this.#open.map(async ({ planned, chardev }) => {
      if (planned.chardev.backend === 'socket' && planned.chardev.wait) this.#about.info?.(`${this.#about.program} waiting for connection on: ${chardev.filename}`);
      await chardev.start((connection) => this.#serve(planned, connection));
    });
    await Promise.all(waits);
  }

  async #serve(planned: PlannedMonitor, connection: Connection): Promise<void> {
    try {
      await connection.write(`${planned.mode}\r\n`);
    } catch (error) {
      this.#about.internalError(error);
    }
  }
}

async function openPlanned({ option, chardev }: PlannedMonitor): Promise<Chardev> {
  try {
    return await openChardev(chardev);
  } catch (error) {
    if (error instanceof MonitorError) throw new MonitorError(error.code, `${option}: ${error.message}`, { cause: error });
    throw error;
  }
}
