import { channel } from 'node:diagnostics_channel';
import { closeSync } from 'node:fs';
import { acceptUnix, EPOLLIN, SystemError, type EventLoop, type Polled, type Watch } from '@vpmem/native';
import type { PciFunction } from '@vpmem/pci';
import { checkBar } from './region-info.ts';
import { Session } from './session.ts';

/** Published when a client comes, goes, is turned away, or sends something that has to be refused. */
export interface ClientMessage {
  readonly server: VfioUserServer;
  readonly event: 'connected' | 'left' | 'refused' | 'remark';
  /** Why, in words; empty where there is nothing to say. */
  readonly detail: string;
  /** The client's process; undefined where that cannot be told. */
  readonly pid: number | undefined;
}

/** `node:diagnostics_channel` name for {@link ClientMessage}. */
export const CLIENT_CHANNEL = 'vpmem:vfio-user:client';
const clients = channel(CLIENT_CHANNEL);

export interface VfioUserServerOptions {
  /**
   * Whether the function's MSI-X is kept on this side and its messages sent as DMA writes, so that QEMU 11.1 can unplug it;
   * older ones would write nonsense, and Cloud Hypervisor waits for ever.
   */
  readonly keepsMsix?: boolean;
  /**
   * For how long the loop may look for what a client or its guest does next, instead of sleeping, in milliseconds; it does so only
   * where that was short last time. 0: not at all. Default {@link POLL_MAX}.
   */
  readonly pollMax?: number;
}

/** A guest that waits for each of its flushes has the next within some tenths of that. Milliseconds. */
export const POLL_MAX = 1;

/** Connections that have not introduced themselves yet; for one more, the oldest has to go. */
const MAX_STRANGERS = 16;

/** How long whoever connects waits, in milliseconds, when there was nothing to let them in with. */
const ACCEPT_AGAIN = 100;

/**
 * Serves one PCI function on a listening socket, to one client at a time; others are refused with EBUSY and may come back.
 * When a client goes, the function is unplugged and reset, and the next finds it as at power-on.
 *
 * Everything happens on the event loop's thread, and nothing blocks it: a client's whole VM stands still until we answer.
 */
export class VfioUserServer {
  readonly #listener: number;
  readonly #watch: Watch;
  readonly #strangers = new Set<Session>();
  readonly #loop: EventLoop;
  readonly #keepsMsix: boolean;
  readonly #polled: Polled | undefined;
  /** As of {@link VfioUserServerOptions}, and may be changed at any time. */
  pollMax: number;
  #client: Session | undefined;
  /** Not accepting for now: on {@link hold}, or for want of descriptors, until a time that this takes back. */
  #held = false;
  /** The last connection could not be let in. */
  #starved = false;
  #later: (() => void) | undefined;
  #retired = false;

  /** Takes over the non-blocking listening socket `listener`. @throws RangeError if the protocol cannot express a BAR */
  constructor(pci: PciFunction, listener: number, loop: EventLoop, { keepsMsix = false, pollMax = POLL_MAX }: VfioUserServerOptions = {}) {
    pci.bars.forEach((bar, index) => {
      if (bar !== undefined) checkBar(index, bar);
    });
    this.#keepsMsix = keepsMsix;
    this.pollMax = pollMax;
    this.#polled = this.#polledBy(pci);
    this.#listener = listener;
    this.#loop = loop;
    this.#watch = loop.watch(listener, EPOLLIN, () => this.#accept(pci, loop));
  }

  /** Whether a client has the device. */
  get busy(): boolean {
    return this.#client !== undefined;
  }

  /** Ends every conversation; whoever connects waits until {@link resume}. */
  hold(reason: string): void {
    this.#held = true;
    this.#listen();
    for (const session of [...this.#strangers]) session.close(reason);
    this.#client?.close(reason);
  }

  /** Hears nothing of who has the device for so long, in milliseconds; what it sends meanwhile waits in the socket. */
  pause(milliseconds: number): void {
    this.#client?.pause(milliseconds);
  }

  /** Lets clients in again. */
  resume(): void {
    this.#held = false;
    this.#listen();
  }

  /** Stops listening; who has the device keeps it. {@link close} has to follow when they have gone. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#later?.();
    this.#watch.close();
    closeSync(this.#listener);
    for (const session of [...this.#strangers]) session.close();
  }

  /** Stops listening and ends every conversation; a second call does nothing. The socket's path is the caller's to remove. */
  close(): void {
    this.retire();
    this.#client?.close('the server is stopping');
  }

  #polledBy({ polled }: PciFunction): Polled | undefined {
    if (polled === undefined) return undefined;
    const longest = (): number => this.pollMax;
    return {
      get pollMax() {
        return longest();
      },
      begin: () => polled.begin(),
      look: () => polled.look(),
      rest: () => polled.rest(),
    };
  }

  #accept(pci: PciFunction, loop: EventLoop): void {
    // Who came this moment is not silent yet.
    const [silent] = this.#strangers;
    for (let fd = this.#next(silent); fd !== undefined; fd = this.#next(silent)) {
      const [oldest] = this.#strangers;
      if (this.#strangers.size >= MAX_STRANGERS) oldest?.close('it said nothing, and others are waiting');
      const session: Session = new Session(fd, {
        pci,
        loop,
        keepsMsix: this.#keepsMsix,
        polled: this.#polled,
        pollMax: () => this.pollMax,
        claim: () => this.#claim(session),
        ended: (_, reason) => this.#ended(session, reason),
        remark: (text) => this.#publish('remark', session, text),
      });
      this.#strangers.add(session);
    }
  }

  /** The next connection; undefined if there is none, or nothing to let it in with, for which `silent` has to go. */
  #next(silent: Session | undefined): number | undefined {
    try {
      const fd = acceptUnix(this.#listener);
      if (fd !== undefined) this.#starved = false;
      return fd;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (!this.#starved) this.#publish('refused', undefined, `nobody can be let in for now: ${error.message}`);
      this.#starved = true;
      silent?.close('it said nothing, and others are waiting');
      this.#later = this.#loop.after(ACCEPT_AGAIN, () => {
        this.#later = undefined;
        this.#listen();
      });
      this.#listen();
      return undefined;
    }
  }

  /** Without an event connections queue up in the socket. */
  #listen(): void {
    this.#watch.modify(this.#held || this.#later !== undefined ? 0 : EPOLLIN);
  }

  #claim(session: Session): boolean {
    if (this.#client !== undefined) return false;
    this.#strangers.delete(session);
    this.#client = session;
    this.#publish('connected', session, '');
    return true;
  }

  #ended(session: Session, reason?: string): void {
    if (this.#strangers.delete(session) && reason !== undefined) this.#publish('refused', session, reason);
    if (this.#client !== session) return;
    this.#client = undefined;
    this.#publish('left', session, reason ?? '');
  }

  #publish(event: ClientMessage['event'], session: Session | undefined, detail: string): void {
    clients.publish({ server: this, event, detail, pid: session?.pid } satisfies ClientMessage);
  }
}
