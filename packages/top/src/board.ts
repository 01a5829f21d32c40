import type { DaemonView, DeviceView, Round, WatchedEvent } from '@vpmem/watch';

/** What a row of the list is about: a device, or a program that shows none. */
export interface Entry {
  /** The same from round to round. */
  readonly key: string;
  readonly daemon: DaemonView;
  readonly device: DeviceView | undefined;
  /** Flushes a second in the last rounds, the latest last; undefined where that is not known. */
  readonly rates: readonly (number | undefined)[];
}

/** An event, and whose. */
export interface BoardEvent extends WatchedEvent {
  readonly from: string;
}

/** Rounds that a sparkline can show. */
const MOST_ROUNDS = 120;
const MOST_EVENTS = 1000;

/** What is shown: the last round, and what is left of those before it. */
export class Board {
  /** Of the last round; those of a program together. */
  entries: readonly Entry[] = [];
  /** The latest last. */
  readonly events: BoardEvent[] = [];
  /** Undefined before the first round. */
  round: Round | undefined;
  #rates = new Map<string, (number | undefined)[]>();

  take(round: Round): void {
    this.round = round;
    const rates = new Map<string, (number | undefined)[]>();
    this.entries = round.daemons.filter((daemon) => !isReplaced(daemon, round.daemons)).flatMap((daemon) => entriesOf(daemon, this.#rates, rates));
    this.#rates = rates;
  }

  hear(event: WatchedEvent, from: Pick<DaemonView, 'name' | 'pid'>): void {
    this.events.push({ ...event, from: nameOf(from) });
    if (this.events.length > MOST_EVENTS) this.events.shift();
  }
}

/** As a user calls it: its name, else its process id. */
export function nameOf({ name, pid }: Pick<DaemonView, 'name' | 'pid'>): string {
  return name ?? String(pid);
}

/** Whether it has ended, and another goes on under its name, as after `vpmem upgrade`. */
function isReplaced({ state, name }: DaemonView, all: readonly DaemonView[]): boolean {
  return state === 'gone' && name !== undefined && all.some((other) => other.name === name && other.state !== 'gone');
}

function entriesOf(daemon: DaemonView, before: ReadonlyMap<string, readonly (number | undefined)[]>, after: Map<string, (number | undefined)[]>): Entry[] {
  const own = `${daemon.pid} ${daemon.started}`;
  if (daemon.devices.length === 0) return [{ key: own, daemon, device: undefined, rates: [] }];
  return daemon.devices.map((device) => {
    const key = `${own} ${device.info.id}`;
    const rates = [...(before.get(key) ?? []), device.interval?.asked].slice(-MOST_ROUNDS);
    after.set(key, rates);
    return { key, daemon, device, rates };
  });
}
