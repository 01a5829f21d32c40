import type { DaemonView, DeviceView, Round } from '@vpmem/watch';
import type { CellPart } from './cell-ring.ts';
import { daemonKey, daemonTitle, deviceKey } from './daemon-name.ts';
import { DeviceHistory } from './device-history.ts';
import { EventLog } from './event-log.ts';
import { HotParts } from './hot-parts.ts';
import type { DeviceRow, History, MachineRow, Snapshot } from './snapshot.ts';

/** Histories that are kept, those of devices that are gone included: 96 MB with what each takes. */
const MOST_HISTORIES = 256;
/** Rounds that a row shows of the past. */
const RECENT = 60;

/** What is known of a device's past. */
interface Past {
  readonly history: DeviceHistory;
  readonly hot: HotParts;
}

/** Everything a page can ask for: the last round, what was before it, and events. */
export class Board {
  readonly #control: boolean;
  /** By key of the device; those heard of last are last. */
  readonly #histories = new Map<string, Past>();
  readonly #events = new EventLog();
  readonly #waiting = new Set<() => void>();
  #number = 0;
  #time = 0;
  #at = 0;
  #machines: readonly MachineRow[] = [];
  #daemons: readonly DaemonView[] = [];

  constructor({ control }: { readonly control: boolean }) {
    this.#control = control;
  }

  /** Whether there was a round already. */
  get round(): number {
    return this.#number;
  }

  /** Takes in a round, and tells whoever waits for one. */
  take(round: Round): void {
    this.#number++;
    this.#time = round.time;
    this.#at = Math.round(round.elapsed * 1000);
    this.#events.take(this.#daemons, round);
    this.#daemons = round.daemons;
    this.#machines = round.daemons.map((daemon) => this.#machine(daemon));
    this.wake();
  }

  /** Lets whoever waits go on. */
  wake(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** Settles when there is a round after `round`, or `signal` is aborted. */
  async after(round: number, signal: AbortSignal): Promise<void> {
    if (this.#number > round || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#waiting.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', go);
    });
  }

  /** `after`: the number of the last event that is known already. */
  snapshot(after: number): Omit<Snapshot, 'reports'> {
    return { round: this.#number, time: this.#time, at: this.#at, control: this.#control, machines: this.#machines, events: this.#events.after(after) };
  }

  /** Undefined for a device that is not known. `span`: which of SPANS. */
  history(key: string, span: number, since: number | undefined): History | undefined {
    const history = this.#histories.get(key)?.history;
    return history && { at: this.#at, cells: history.cells(span, since) };
  }

  /** The program of such a key, and its device, as they were found last. */
  find(machine: string, device: string): { readonly daemon: DaemonView; readonly device: DeviceView } | undefined {
    const daemon = this.#daemons.find((each) => daemonKey(each) === machine);
    const found = daemon?.devices.find(({ info }) => deviceKey(daemon, info.id) === device);
    return daemon && found && { daemon, device: found };
  }

  #machine(daemon: DaemonView): MachineRow {
    const { program, pid, version, state, since, reason, devices } = daemon;
    return { key: daemonKey(daemon), program, title: daemonTitle(daemon), pid, version, state, since, reason, devices: devices.map((device) => this.#device(daemon, device)) };
  }

  #device(daemon: DaemonView, { info, interval }: DeviceView): DeviceRow {
    const key = deviceKey(daemon, info.id);
    const { history, hot } = this.#past(key);
    const failure = info['power-failure'];
    const risk = failure?.['volatile-bytes'];
    if (interval !== undefined && risk !== undefined) hot.take(failure?.['volatile-parts'] ?? []);
    if (interval !== undefined) {
      const { seconds, asked, failed, steps } = interval;
      const part: CellPart = { known: seconds * 1000, asked: Math.round(asked * seconds), failed: Math.round(failed * seconds), risk: risk === undefined ? NaN : Number(risk), steps };
      history.add(this.#at, part);
    }
    const rate = interval && { asked: interval.asked, failed: interval.failed, p50: interval.p50, p99: interval.p99 };
    return { key, info, rate, recent: history.recent(RECENT), hot: hot.numbers };
  }

  #past(key: string): Past {
    const past = this.#histories.get(key) ?? { history: new DeviceHistory(), hot: new HotParts() };
    this.#histories.delete(key);
    this.#histories.set(key, past);
    const [oldest] = this.#histories.keys();
    if (this.#histories.size > MOST_HISTORIES && oldest !== undefined) this.#histories.delete(oldest);
    return past;
  }
}
