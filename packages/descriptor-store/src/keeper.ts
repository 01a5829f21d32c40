import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { DatagramReceiver, sendDatagram, whenReadable, type Datagram } from '@vpmem/native';
import { HeldDescriptors } from './held-descriptors.ts';
import { adoptKept, startKept, userOf, type KeptCommand, type KeptProcess, type ProcessEnd } from './kept-process.ts';

/** As systemd has it, where a unit says nothing: StartLimitBurst= and StartLimitIntervalSec= */
const LOOP = { deaths: 5, within: 10_000 } as const;

/** Ends of its own choice, which another start would not change: in good order, and a mistake in its options. */
const FINAL: readonly (number | undefined)[] = [0, 1];
const STATUS_INTERNAL = 70;

/** What of a notification is not for us, but for whoever supervises the keeper. sd_notify(3) */
const PASSED_ON = /^(?:READY|STATUS|RELOADING|STOPPING|MONOTONIC_USEC|ERRNO|BUSERROR|WATCHDOG|WATCHDOG_USEC|EXTEND_TIMEOUT_USEC)=/;

/** What a {@link Keeper} is to keep, and whom it tells. */
export interface KeeperOptions {
  readonly command: KeptCommand;
  /** Of the process; what the keeper has to say in it is added. */
  readonly environment: NodeJS.ProcessEnv;
  /** The most descriptors it holds. */
  readonly limit: number;
  /** More deaths than that within so many milliseconds are a loop. Default 5 and 10,000. */
  readonly loop?: { readonly deaths: number; readonly within: number };
  /** Descriptors of this process that its process has beside those which are held: given with their variables at each start, at `first` and on. */
  readonly more?: (first: number) => { readonly fds: readonly number[]; readonly environment: NodeJS.ProcessEnv };
  /** How a process that somebody else started, and that has taken over, is started again. */
  readonly commandOf: (pid: number) => KeptCommand;
  /** Lines of sd_notify(3) for whoever supervises this process. */
  readonly passOn: (text: string) => void;
  /** The process is ready, for the first time. */
  readonly ready: () => void;
  /** One line for people. */
  readonly tell: (level: 'info' | 'warning' | 'error', text: string) => void;
}

export type { KeptCommand, ProcessEnd } from './kept-process.ts';

/** How it ended: as its process did, or with a status of its own and what was said. */
export type KeeperEnd = Pick<ProcessEnd, 'status' | 'signal'>;

/**
 * Holds the descriptors of a process, and starts it again with them when it dies: by a signal, or with any status but 0 and 1. It speaks to
 * it as systemd does, sd_notify(3) and sd_listen_fds(3), but for LISTEN_PID, which it cannot know. It says MAINPID= of one that takes over,
 * whoever started that.
 */
export class Keeper {
  /** NOTIFY_SOCKET for its process. Random, but no secret: who may say what is told by whose it is. */
  readonly address = `@vpmem-keeper-${process.pid}-${randomBytes(8).toString('hex')}`;
  readonly #options: KeeperOptions;
  readonly #receiver = new DatagramReceiver(this.address);
  readonly #held: HeldDescriptors;
  #command: KeptCommand;
  #main: KeptProcess | undefined;
  #deaths: number[] = [];
  /** The signal that its process was asked to end by. */
  #stopping: NodeJS.Signals | undefined;
  /** What its process said of itself. */
  #said = { ready: false, stopping: false };
  #full = false;
  #end: KeeperEnd | undefined;
  #finish: (end: KeeperEnd) => void = () => undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#command = options.command;
    this.#held = new HeldDescriptors(options.limit);
  }

  /** How many descriptors it holds. */
  get held(): number {
    return this.#held.count;
  }

  /** The process it keeps. */
  get pid(): number | undefined {
    return this.#main?.pid;
  }

  /** Starts its process; settles when that has ended for good, or dies again and again. Nothing is held any more by then. */
  async run(): Promise<KeeperEnd> {
    const over = new Promise<KeeperEnd>((resolve) => (this.#finish = resolve));
    const listening = this.#listen();
    this.#start();
    const end = await over;
    this.#end = end;
    // It waits for something to read.
    sendDatagram(this.address, Buffer.from('\n'));
    await listening;
    this.#receiver.close();
    this.#held.clear();
    return end;
  }

  /** Passes a signal on that is to end its process; however that ends, it is not started again. */
  stop(signal: NodeJS.Signals): void {
    this.#stopping = signal;
    this.#main?.kill(signal);
  }

  async #listen(): Promise<void> {
    while (this.#end === undefined) {
      await whenReadable(this.#receiver.fd);
      this.#receive();
    }
  }

  /** All that has come. A process has sent what it had to say before it dies. */
  #receive(): void {
    if (this.#end !== undefined) return;
    for (let datagram: Datagram | undefined; (datagram = this.#receiver.receive()) !== undefined; ) {
      const left = new Set(datagram.fds);
      try {
        if (this.#maySpeak(datagram)) this.#obey(datagram.data.toString().split('\n'), datagram.pid, left);
      } finally {
        // Also the answer to a barrier.
        for (const fd of left) closeSync(fd);
      }
    }
  }

  /** Its process, and whoever is the same user as that or as the keeper: NotifyAccess=all, as far as that goes without a cgroup. */
  #maySpeak({ pid, uid }: Datagram): boolean {
    const main = this.#main?.pid;
    return pid === main || uid === process.getuid?.() || (main !== undefined && uid === userOf(main));
  }

  /** @param fds taken out of it where they are kept */
  #obey(lines: readonly string[], pid: number, fds: Set<number>): void {
    const valueOf = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
    const name = valueOf('FDNAME');
    if (valueOf('FDSTOREREMOVE') === '1' && name !== undefined) this.#held.remove(name);
    else if (valueOf('FDSTORE') === '1') {
      for (const fd of fds) {
        fds.delete(fd);
        this.#hold(name ?? 'stored', fd);
      }
    }
    const main = Number(valueOf('MAINPID') ?? NaN);
    if (Number.isInteger(main) && main > 1) this.#follow(main);
    if (valueOf('READY') === '1') this.#becameReady();
    // One that has handed over goes, too.
    const isMain = pid === this.#main?.pid;
    if (valueOf('STOPPING') === '1' && isMain) this.#said.stopping = true;
    const passed = lines.filter((line) => PASSED_ON.test(line) && (isMain || !line.startsWith('STOPPING=')));
    if (passed.length > 0) this.#options.passOn(passed.join('\n'));
  }

  #hold(name: string, fd: number): void {
    if (this.#held.add(name, fd) !== 'full' || this.#full) return;
    this.#full = true;
    this.#options.tell('error', `the keeper holds ${this.#held.count} descriptors, and takes no more: should vpmemd die, what it had beyond those is lost`);
  }

  #becameReady(): void {
    if (this.#said.ready) return;
    this.#said.ready = true;
    this.#options.ready();
  }

  /** Another process has taken over. */
  #follow(pid: number): void {
    if (pid === this.#main?.pid || pid === process.pid) return;
    if (userOf(pid) === undefined) return;
    try {
      this.#command = this.#options.commandOf(pid);
    } catch (error) {
      this.#options.tell('warning', `process ${pid} took over, and how it was started cannot be read: should it die, the command before it is used: ${(error as Error).message}`);
    }
    this.#said.stopping = false;
    this.#watch(adoptKept(pid));
  }

  #start(): void {
    const { environment, limit, more = () => ({ fds: [], environment: {} }) } = this.#options;
    const [fds, names] = [this.#held.fds, this.#held.names];
    const further = more(3 + fds.length);
    const own = {
      NOTIFY_SOCKET: this.address,
      FDSTORE: String(limit),
      VPMEM_KEEPER: String(process.pid),
      ...(fds.length > 0 && { LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names.join(':') }),
    };
    this.#said.stopping = false;
    this.#watch(startKept(this.#command, { ...environment, ...own, ...further.environment }, [...fds, ...further.fds]));
  }

  #watch(kept: KeptProcess): void {
    this.#main = kept;
    kept.ended.then(
      (end) => {
        // Perhaps it said, at last, that another has taken over.
        this.#receive();
        if (this.#main === kept && this.#end === undefined) this.#ended(kept, end);
      },
      (error: unknown) => this.#finish(this.#giveUp(`process ${String(kept.pid)} cannot be watched: ${(error as Error).message}`)),
    );
  }

  #ended({ pid }: KeptProcess, end: ProcessEnd): void {
    const { status, signal, reason } = end;
    const known = status !== undefined || signal !== undefined || reason !== undefined;
    // Of another's child there is nothing but what it said.
    const final = known ? FINAL.includes(status) : this.#said.stopping;
    if (final || this.#stopping !== undefined) return this.#finish(known ? end : { status: 0 });
    const how = reason ?? (known ? `ended by ${signal ?? `status ${status ?? ''}`}` : 'ended, and had not been asked to');
    const now = performance.now();
    const { deaths, within } = this.#options.loop ?? LOOP;
    this.#deaths = [...this.#deaths.filter((at) => now - at < within), now];
    const what = pid === undefined ? 'it cannot be started' : `process ${pid}`;
    if (this.#deaths.length > deaths) {
      return this.#finish(this.#giveUp(`${what}: ${how}, the ${this.#deaths.length}th time within ${within / 1000} seconds: the keeper gives up, and guests' flushes fail`));
    }
    this.#options.tell('warning', `${what}: ${how}; started again with ${this.#held.count} descriptors`);
    this.#start();
  }

  #giveUp(why: string): KeeperEnd {
    this.#options.tell('error', why);
    return { status: STATUS_INTERNAL };
  }
}
