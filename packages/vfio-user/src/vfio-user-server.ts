import { SavedObject } from '@vpmem/layout';
import { channel } from 'node:diagnostics_channel';
import type { EventLoop, Polled, SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { FunctionState, PciFunction } from '@vpmem/pci';
import { ConnectionListener } from './connection-listener.ts';
import { KeptChanges, type Kept } from './kept/kept.ts';
import { checkBar } from './region-info.ts';
import { Session } from './session.ts';
import type { ContinuedSession, ServerState } from './session-state.ts';

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

/** How a function is served. */
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
  /**
   * What the server of another process was when it saved that: this one goes on in its place, from {@link VfioUserServer.proceed} on.
   * Descriptors are taken by `take`; one that a state names in two places is taken for each.
   */
  readonly continues?: { readonly state: ServerState; readonly take: TakeDescriptor };
  /** What outlives this process, which may be killed at any moment; {@link VfioUserServer.save} then says at any time where the next one goes on. Strangers are not kept. */
  readonly kept?: Kept;
}

/** A guest that waits for each of its flushes has the next within some tenths of that. Milliseconds. */
export const POLL_MAX = 1;

/** Connections that have not introduced themselves yet; for one more, the oldest has to go. */
const MAX_STRANGERS = 16;

/**
 * Serves one PCI function on a listening socket, to one client at a time; others are refused with EBUSY and may come back.
 * When a client goes, the function is unplugged and reset, and the next finds it as at power-on.
 *
 * Everything happens on the event loop's thread, and nothing blocks it: a client's whole VM stands still until we answer.
 */
export class VfioUserServer {
  readonly #pci: PciFunction;
  #listener: ConnectionListener;
  readonly #strangers = new Set<Session>();
  readonly #loop: EventLoop;
  readonly #keepsMsix: boolean;
  readonly #polled: Polled | undefined;
  readonly #kept: KeptChanges | undefined;
  /** As of {@link VfioUserServerOptions}, and may be changed at any time. */
  pollMax: number;
  #client: Session | undefined;
  #suspended = false;
  /** What the function saved while it was suspended. */
  #saved: FunctionState | undefined;
  /** The function has not said yet that everything is answered. */
  #suspending: (() => void) | undefined;

  /**
   * Takes over the non-blocking listening socket `listener`; one that continues another has that one's, and nothing of it is left open if
   * this throws.
   *
   * @throws RangeError if the protocol cannot express a BAR, or a state is none, of which it names the member
   */
  constructor(pci: PciFunction, listener: number | undefined, loop: EventLoop, options: VfioUserServerOptions = {}) {
    const { keepsMsix = false, pollMax = POLL_MAX, continues, kept } = options;
    pci.bars.forEach((bar, index) => {
      if (bar !== undefined) checkBar(index, bar);
    });
    if ((listener === undefined) !== (continues !== undefined)) throw new RangeError('listener: a server has one of its own, or that of the one it continues, and not both');
    this.#pci = pci;
    this.#keepsMsix = keepsMsix;
    this.pollMax = pollMax;
    this.#polled = this.#polledBy(pci);
    this.#loop = loop;
    this.#kept = kept && new KeptChanges(kept, loop);
    this.#listener = this.#listen(listener);
    if (continues !== undefined) this.#continue(continues);
  }

  /** Whether a client has the device. */
  get busy(): boolean {
    return this.#client !== undefined;
  }

  /** Ends every conversation; whoever connects waits until {@link resume}. */
  hold(reason: string): void {
    this.#listener.held = true;
    for (const session of [...this.#strangers]) session.close(reason);
    this.#client?.close(reason);
  }

  /** Hears nothing of who has the device for so long, in milliseconds; what it sends meanwhile waits in the socket. */
  pause(milliseconds: number): void {
    this.#client?.pause(milliseconds);
  }

  /** Lets clients in again. */
  resume(): void {
    this.#listener.held = false;
  }

  /** Stops listening; who has the device keeps it. {@link close} has to follow when they have gone. */
  retire(): void {
    this.#listener.close();
    for (const session of [...this.#strangers]) session.close();
  }

  /** Stops listening and ends every conversation; a second call does nothing. The socket's path is the caller's to remove. */
  close(): void {
    this.retire();
    this.#client?.close('the server is stopping');
  }

  /**
   * Accepts nobody and reads nothing until {@link proceed}; `done` is called, maybe at once, when the function has answered everything that
   * it was asked. What has come of a message stays as it is.
   */
  suspend(done: () => void): void {
    this.#setSuspended(true);
    this.#listener.suspend();
    for (const session of this.#sessions) session.suspend();
    this.#suspending = done;
    if (this.#client === undefined || this.#pci.hold === undefined) this.#settled();
    else {
      this.#pci.hold(() => {
        // It may be that of an earlier time.
        if (this.#suspending === done) this.#settled();
      });
    }
  }

  /**
   * All that another server needs to go on, of one that is suspended, or kept; descriptors are put aside by `put`.
   *
   * @throws RangeError if the function is of a kind that cannot be handed on
   */
  save(put: SaveDescriptor): ServerState {
    if (this.#client !== undefined && (this.#pci.save === undefined || this.#pci.restore === undefined)) throw new RangeError('a function of this kind cannot be handed on: it has no state to save');
    const saved = this.#client && this.#pci.save?.();
    if (this.#suspended) this.#saved = saved;
    return {
      ...(this.#listener.fd !== undefined && { listener: put(this.#listener.fd) }),
      held: this.#listener.held,
      ...(this.#client && saved && { client: this.#client.save(put), function: saved }),
      strangers: (this.#suspended ? [...this.#strangers] : []).map((session) => session.save(put)),
    };
  }

  /** Goes on after {@link suspend}, also if another went on from what was saved and moved the rings; or where the one it continues left off. */
  proceed(): void {
    if (!this.#suspended) return;
    this.#setSuspended(false);
    this.#suspending = undefined;
    if (this.#client !== undefined && this.#saved !== undefined) this.#pci.restore?.(this.#saved);
    this.#saved = undefined;
    for (const session of this.#sessions) session.proceed();
    this.#listener.proceed();
    this.#kept?.mark();
  }

  /** After {@link save}: closes all descriptors. Somebody else has them, so nobody is hung up on, and nothing is published. */
  letGo(): void {
    this.#listener.close();
    for (const session of this.#sessions) session.letGo();
    this.#strangers.clear();
    this.#client = undefined;
  }

  get #sessions(): readonly Session[] {
    return [...(this.#client === undefined ? [] : [this.#client]), ...this.#strangers];
  }

  #setSuspended(suspended: boolean): void {
    this.#suspended = suspended;
    if (suspended) this.#kept?.save(); // What is kept is as it is from here on, whoever goes on.
    if (this.#kept !== undefined) this.#kept.suspended = suspended;
  }

  #settled(): void {
    const done = this.#suspending;
    this.#suspending = undefined;
    done?.();
  }

  #continue({ state, take }: NonNullable<VfioUserServerOptions['continues']>): void {
    this.#setSuspended(true);
    try {
      const reader = new SavedObject(state, 'state');
      const held = reader.boolean('held');
      this.#listener = this.#listen(reader.has('listener') ? take(reader.number('listener')) : undefined, held);
      if (reader.has('client')) {
        if (!reader.has('function') || this.#pci.restore === undefined) throw reader.wrong('function', 'the state of a function of this kind, since somebody has it');
        const client = reader.object('client');
        this.#client = this.#session(take(client.number('connection')), { state: client, take, pci: reader.raw('function') });
      }
      for (const each of reader.objects('strangers')) this.#strangers.add(this.#session(take(each.number('connection')), { state: each, take }));
    } catch (error) {
      this.letGo();
      throw error;
    }
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

  #listen(fd: number | undefined, held = false): ConnectionListener {
    // Who came this moment is not silent yet.
    let silent: Session | undefined;
    return new ConnectionListener(
      fd,
      this.#loop,
      {
        beginning: () => ([silent] = this.#strangers),
        connected: (connection) => this.#connected(connection),
        starved: ({ message }, first) => {
          if (first) this.#publish('refused', undefined, `nobody can be let in for now: ${message}`);
          silent?.close('it said nothing, and others are waiting');
        },
      },
      { suspended: this.#suspended, held },
    );
  }

  #connected(fd: number): void {
    const [oldest] = this.#strangers;
    if (this.#strangers.size >= MAX_STRANGERS) oldest?.close('it said nothing, and others are waiting');
    this.#strangers.add(this.#session(fd));
  }

  /** Takes over `fd`. */
  #session(fd: number, continues?: ContinuedSession): Session {
    const session: Session = new Session(
      fd,
      {
        pci: this.#pci,
        loop: this.#loop,
        keepsMsix: this.#keepsMsix,
        polled: this.#polled,
        pollMax: () => this.pollMax,
        kept: this.#kept,
        claim: (_, begin) => this.#claim(session, begin),
        ended: (_, reason) => this.#ended(session, reason),
        remark: (text) => this.#publish('remark', session, text),
      },
      continues,
    );
    return session;
  }

  #claim(session: Session, begin: () => void): boolean {
    if (this.#client !== undefined) return false;
    begin();
    this.#strangers.delete(session);
    this.#client = session;
    this.#publish('connected', session, '');
    return true;
  }

  #ended(session: Session, reason?: string): void {
    if (this.#strangers.delete(session) && reason !== undefined) this.#publish('refused', session, reason);
    if (this.#client !== session) return;
    this.#client = undefined;
    this.#saved = undefined;
    this.#kept?.mark();
    this.#publish('left', session, reason ?? '');
    // Of what it was asked nothing has to be answered any more.
    this.#settled();
  }

  #publish(event: ClientMessage['event'], session: Session | undefined, detail: string): void {
    clients.publish({ server: this, event, detail, pid: session?.pid } satisfies ClientMessage);
  }
}
