import { QmpClient, QmpConnectionError, QmpError, type QmpEvent } from '@vpmem/qmp/client';
import type { RunningProgram } from '@vpmem/running-programs';
import type { Clock } from './clock.ts';
import { DeviceHistories } from './device-histories.ts';
import type { DaemonState, DaemonView, DeviceView, WatchedEvent } from './round.ts';

/** Events of a program that are kept for a round which does not come. */
const MOST_EVENTS = 1000;

/** What a {@link Follower} needs of who follows several. */
export interface FollowerOptions {
  readonly clock: Clock;
  /** How long an answer is waited for, in milliseconds. */
  readonly patience: number;
  readonly onEvent: (event: WatchedEvent, from: RunningProgram) => void;
}

/** Asks one program, over one connection, for as long as it runs. */
export class Follower {
  readonly program: RunningProgram;
  readonly #options: FollowerOptions;
  readonly #histories = new DeviceHistories();
  readonly #closing = new AbortController();
  #client: QmpClient | undefined;
  #version: string | undefined;
  #connecting: Promise<QmpClient> | undefined;
  /** What is being waited for: a program that hangs is not asked again. */
  #asking: Promise<void> | undefined;
  #late = false;
  #goneSince: number | undefined;
  #state: DaemonState = 'not answering';
  #since: number;
  #reason: string | undefined = 'not asked yet';
  #devices: readonly DeviceView[] = [];
  /** Whether `#devices` are of an answer that no view has told of. */
  #fresh = false;
  #events: WatchedEvent[] = [];

  constructor(program: RunningProgram, options: FollowerOptions) {
    this.program = program;
    this.#options = options;
    this.#since = options.clock.time();
  }

  /** Whether it owes an answer for longer than patience lasts. */
  get late(): boolean {
    return this.#late;
  }

  /** Since when it is gone, by the clock that does not jump, in milliseconds; undefined if it is not. */
  get goneSince(): number | undefined {
    return this.#goneSince;
  }

  /** Connects already, so that its events are heard. */
  greet(): void {
    // What goes wrong does so again when it is asked.
    this.#connect().catch(() => undefined);
  }

  /** Asks it, unless it still owes an answer; settles with the answer, or when patience is over. Never rejects. */
  async ask(): Promise<void> {
    if (this.#goneSince !== undefined) return;
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
      this.#late = false;
    });
    let timer: NodeJS.Timeout | undefined;
    const { patience } = this.#options;
    const over = new Promise<'over'>((resolve) => (timer = setTimeout(resolve, patience, 'over')));
    const first = await Promise.race([this.#asking, over]);
    clearTimeout(timer);
    if (first !== 'over') return;
    this.#late = true;
    this.#become('not answering', this.#client === undefined ? 'it does not greet: it hangs, or too many look at it already' : `no answer within ${patience / 1000} s`);
  }

  /** Its entry is gone: so is it. */
  end(): void {
    if (this.#goneSince !== undefined) return;
    this.#goneSince = this.#options.clock.monotonic();
    this.#become('gone', 'it has ended');
    this.close();
  }

  close(): void {
    this.#closing.abort();
    this.#client?.close();
  }

  /** What is known of it. What is told of once, an interval or an event, the next view does not have. */
  view(): DaemonView {
    const { program, name, pid, qmp, started } = this.program;
    const devices = this.#fresh ? this.#devices : this.#devices.map(({ info }) => ({ info, interval: undefined }));
    const events = this.#events;
    this.#fresh = false;
    this.#events = [];
    return { program, name, pid, qmp, started, version: this.#version, state: this.#state, since: this.#since, reason: this.#reason, devices, events };
  }

  async #askOnce(): Promise<void> {
    const { clock } = this.#options;
    try {
      const client = await this.#connect();
      const asked = clock.monotonic();
      const answer = await client.execute('query-pmem', {}, { outOfBand: client.outOfBand });
      if (this.#state === 'gone') return;
      this.#devices = this.#histories.take(answer, asked, clock.monotonic());
      this.#fresh = true;
      this.#become('running', undefined);
    } catch (error) {
      if (!(error instanceof QmpConnectionError || error instanceof QmpError)) throw error;
      this.#become('not answering', error.message);
    }
  }

  /** One connection, for as long as it lasts. @throws QmpConnectionError */
  #connect(): Promise<QmpClient> {
    return (this.#connecting ??= this.#connectOnce().catch((error: unknown) => {
      this.#connecting = undefined;
      throw error;
    }));
  }

  async #connectOnce(): Promise<QmpClient> {
    const client = await QmpClient.connect({ path: this.program.qmp }, { signal: this.#closing.signal });
    this.#version = client.version.package;
    client.onEvent((event) => this.#hear(event));
    void client.ended.then(() => {
      this.#client = undefined;
      this.#connecting = undefined;
    });
    return (this.#client = client);
  }

  #hear({ event, data }: QmpEvent): void {
    const { device } = (data ?? {}) as { readonly device?: unknown };
    const id = typeof device === 'string' ? device : undefined;
    if (event === 'DEVICE_DELETED' && id !== undefined) this.#histories.forget(id);
    const heard = { time: this.#options.clock.time(), event, device: id, data };
    this.#events.push(heard);
    if (this.#events.length > MOST_EVENTS) this.#events.shift();
    this.#options.onEvent(heard, this.program);
  }

  #become(state: DaemonState, reason: string | undefined): void {
    // What has ended stays so, whatever is heard of its connection.
    if (this.#state === 'gone') return;
    if (this.#state !== state) this.#since = this.#options.clock.time();
    this.#state = state;
    this.#reason = reason;
  }
}
