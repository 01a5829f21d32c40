import type { ManagedMachine, PmemInfo } from '@vpmem/machine';
import type { Notification, Notifier } from './notify.ts';

/** How soon to try again to tell a supervisor that does not read, in milliseconds. */
const AGAIN = 1000;

/** Keeps the supervisor told how the machine is. */
export class StatusReport {
  readonly #notifier: Notifier;
  readonly #machine: ManagedMachine;
  readonly #warn: (text: string) => void;
  readonly #unsubscribe: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #failed = false;
  /** What the supervisor does not know yet, because it did not read. */
  #unsaid: Notification = {};
  #again: NodeJS.Timeout | undefined;
  /** The last has been said, though a machine that was asked before may answer yet. */
  #over = false;

  /**
   * Says that the machine is ready, and from then on whenever something changes, and as often as a watchdog asks. A supervisor
   * that cannot be told does not keep the machine from running: `warn` hears of it, once.
   */
  constructor(notifier: Notifier, machine: ManagedMachine, warn: (text: string) => void) {
    this.#notifier = notifier;
    this.#machine = machine;
    this.#warn = warn;
    this.#tell({ READY: 1 });
    this.#unsubscribe = machine.onEvent(() => this.#report());
    if (notifier.watchdog !== undefined) this.#timer = setInterval(() => this.#report(), notifier.watchdog / 2);
    this.#report();
  }

  /** Says that the machine is about to end, and nothing more. */
  stopping(): void {
    this.#end({ STOPPING: 1, STATUS: 'stopping' });
  }

  /** Says that another process has taken this one's place, unless that has been said already (`undefined`), and nothing more. */
  replaced(pid: number | undefined): void {
    this.#end(pid === undefined ? undefined : { MAINPID: pid });
  }

  #end(last: Notification | undefined): void {
    this.#unsubscribe();
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#unsaid = {};
    this.#over = true;
    if (last !== undefined) this.#tell(last);
  }

  /** The machine is asked first: a device thread that hangs is not to be covered up by a main thread that does not. */
  #report(): void {
    const told = this.#machine.pmem().then((devices) => {
      if (!this.#over) this.#tell({ STATUS: describeDevices(devices), WATCHDOG: 1 });
    });
    // A machine that has ended answers no more.
    told.catch(() => undefined);
  }

  #tell(notification: Notification): void {
    const all = { ...this.#unsaid, ...notification };
    this.#unsaid = {};
    try {
      this.#notifier.tell(all);
      this.#failed = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#sayLater(all);
      if (!this.#failed) this.#warn(`the supervisor at $NOTIFY_SOCKET was not told how things are: ${(error as Error).message}`);
      this.#failed = true;
    }
  }

  /** A supervisor that was busy is not to miss that we are ready. */
  #sayLater(notification: Notification): void {
    this.#unsaid = notification;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#report();
    }, AGAIN).unref();
  }
}

/** One line. */
export function describeDevices(devices: readonly PmemInfo[]): string {
  const connected = devices.filter((device) => device.connected).length;
  const failed = devices.filter((device) => device.flushes.failed > 0).length;
  const count = devices.length === 1 ? '1 device' : `${devices.length} devices`;
  return `${count}, ${connected} in use${failed === 0 ? '' : `, ${failed} with failed flushes`}`;
}
