import type { DaemonView, Round, WatchedEvent } from '@vpmem/watch';
import { daemonTitle } from './daemon-name.ts';
import type { EventRow } from './snapshot.ts';

/** Events that are kept. */
const MOST = 500;

/** Which are bad, and which are worth a look. */
const TONES: Readonly<Record<string, EventRow['tone']>> = {
  PMEM_FLUSH_FAILED: 'bad',
  PMEM_POWER_CUT: 'bad',
  PMEM_DRIVER_ERROR: 'bad',
  PMEM_BACKING_FILE_CHANGED: 'bad',
  PMEM_RECORDING_INCOMPLETE: 'warn',
  PMEM_CLIENT_ERROR: 'warn',
  DEVICE_UNPLUG_GUEST_ERROR: 'warn',
};

/** In place of QMP's names. */
const WORDS: Readonly<Record<string, string>> = {
  DEVICE_DELETED: 'unplugged',
  DEVICE_UNPLUG_GUEST_ERROR: 'the guest did not let it go',
  RESET: 'the machine was reset',
  SHUTDOWN: 'the machine ends',
  STOP: "the guest's processors stopped",
  RESUME: "the guest's processors go on",
  PMEM_CLIENT_CONNECTED: 'a VM has it now',
  PMEM_CLIENT_DISCONNECTED: 'the VM let go of it',
  PMEM_CLIENT_ERROR: 'a client was turned away',
  PMEM_FLUSH_FAILED: 'a flush failed, and all later ones do',
  PMEM_DRIVER_ERROR: "the guest's driver broke the queue",
  PMEM_POWER_CUT: 'its power was cut',
  PMEM_RECORDING_INCOMPLETE: 'its recording goes no further',
  PMEM_BACKING_FILE_CHANGED: 'its file has changed',
};

/** What has happened, the last {@link MOST} of it. */
export class EventLog {
  #rows: EventRow[] = [];
  #number = 0;

  /** Takes in what came with a round: events, and programs that have come, gone, or answer no more. `before`: those of the last round. */
  take(before: readonly DaemonView[], { time, daemons }: Round): void {
    for (const daemon of daemons) {
      const known = before.find(({ pid, started }) => pid === daemon.pid && started === daemon.started);
      for (const event of daemon.events) this.#add(rowOf(daemon, event));
      if (known?.state !== daemon.state) this.#add(changeOf(daemon, known, time));
    }
  }

  /** Those with a higher number, oldest first. */
  after(number: number): readonly EventRow[] {
    const first = this.#rows.findIndex((row) => row.number > number);
    return first < 0 ? [] : this.#rows.slice(first);
  }

  #add(row: Omit<EventRow, 'number'> | undefined): void {
    if (row === undefined) return;
    this.#rows.push({ number: ++this.#number, ...row });
    if (this.#rows.length > MOST) this.#rows = this.#rows.slice(-MOST);
  }
}

function rowOf(daemon: DaemonView, { time, event, device, data }: WatchedEvent): Omit<EventRow, 'number'> {
  return { time, machine: daemonTitle(daemon), device: device ?? backendOf(data), event, text: [WORDS[event] ?? event, detailOf(data)].filter((each) => each !== undefined).join(': '), tone: TONES[event] ?? 'plain' };
}

function changeOf(daemon: DaemonView, known: DaemonView | undefined, time: number): Omit<EventRow, 'number'> | undefined {
  const { state, reason, program, pid } = daemon;
  const row = { time, machine: daemonTitle(daemon) };
  if (state === 'running') return { ...row, text: known === undefined ? `${program} runs, process ${pid}` : 'it answers again', tone: 'plain' };
  // Who has only been found has not been asked yet.
  if (known === undefined && state === 'not answering') return undefined;
  return { ...row, text: state === 'gone' ? 'it has ended' : `it does not answer: ${reason ?? 'no reason is known'}`, tone: 'warn' };
}

/** A backend's events name no device. */
function backendOf(data: unknown): string | undefined {
  const { memdev } = (data ?? {}) as { readonly memdev?: unknown };
  return typeof memdev === 'string' ? memdev : undefined;
}

function detailOf(data: unknown): string | undefined {
  const { reason, error, 'lost-bytes': lost, 'survived-bytes': survived } = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof error === 'string') return error;
  if (typeof lost === 'number' && typeof survived === 'number') return `${lost} bytes lost, ${survived} survived`;
  return typeof reason === 'string' ? reason : undefined;
}
