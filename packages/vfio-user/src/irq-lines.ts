import { closeSync } from 'node:fs';
import { EPOLLET, EPOLLIN, PeerEvent, SystemError, type EventLoop, type SaveDescriptor, type TakeDescriptor, type Watch } from '@vpmem/native';
import {
  Errno,
  IRQ_INFO_AUTOMASKED,
  IRQ_INFO_EVENTFD,
  IRQ_INFO_MASKABLE,
  IRQ_INTX,
  IRQ_SET_ACTION_MASK,
  IRQ_SET_ACTION_TRIGGER,
  IRQ_SET_ACTION_UNMASK,
  IRQ_SET_DATA_BOOL,
  IRQ_SET_DATA_EVENTFD,
  IRQ_SET_DATA_NONE,
  NUM_IRQS,
  type IrqSet,
} from './protocol.ts';
import type { SavedObject, ValuesOf } from '@vpmem/layout';

type IrqSetValues = ValuesOf<(typeof IrqSet)['members']>;

/** One SET_IRQS request: what to do, for which interrupts, with which data. */
export interface IrqRequest extends IrqSetValues {
  /** The bytes after the structure: for DATA_BOOL one each, and none for the others. */
  readonly data: Uint8Array;
  /** For DATA_EVENTFD; ours from now on. */
  readonly fds: readonly number[];
}

/** What a client has set by SET_IRQS. */
export interface IrqState {
  readonly events: readonly {
    /** IRQ_INTX, IRQ_MSIX, … */
    readonly index: number;
    /** The vector. */
    readonly subIndex: number;
    /** Its eventfd. */
    readonly descriptor: number;
  }[];
  readonly intxLevel: boolean;
  /** Whether the client has masked INTx. That it is masked from a signal to its end is not told: one signal too many harms nobody. */
  readonly intxMasked: boolean;
  /** The eventfd that ends a mask. */
  readonly intxUnmask?: number;
}

/**
 * The eventfds a client gave for a device's interrupts. Clients swap them often, whenever a guest masks or unmasks, so the
 * one given last is used and the one before is closed.
 */
export class IrqLines {
  readonly #counts: readonly number[];
  readonly #events: (PeerEvent | undefined)[][] = Array.from({ length: NUM_IRQS }, () => []);
  readonly #loop: EventLoop;
  #intxLevel = false;
  #intxMasked = false;
  /** Whether that is by the client's own word. */
  #clientMasked = false;
  /** Not watched while nothing is read of the client. */
  #intxUnmask: { event: PeerEvent; watch: Watch | undefined } | undefined;
  #suspended = false;
  readonly #closing: (fd: number) => void;

  /** `counts` by interrupt index; `closing` hears of each eventfd before it is closed. */
  constructor(counts: readonly number[], loop: EventLoop, closing: (fd: number) => void = () => undefined) {
    this.#counts = counts;
    this.#loop = loop;
    this.#closing = closing;
  }

  /** Interrupts of an index, and how a client can deal with them. */
  info(index: number): { count: number; flags: number } {
    const count = this.#counts[index] ?? 0;
    if (count === 0) return { count, flags: 0 };
    return { count, flags: index === IRQ_INTX ? IRQ_INFO_EVENTFD | IRQ_INFO_MASKABLE | IRQ_INFO_AUTOMASKED : IRQ_INFO_EVENTFD };
  }

  /** Signals an interrupt, if the client gave an eventfd for it. */
  signal(index: number, subIndex: number): void {
    this.#events[index]?.[subIndex]?.signal();
  }

  /** The level of INTx. Its eventfd is signalled once; the client unmasks it when the guest has served it. */
  setIntx(asserted: boolean): void {
    this.#intxLevel = asserted;
    this.#updateIntx();
  }

  /** Carries out a SET_IRQS; the errno if it makes no sense, and then nothing has changed. Takes over the descriptors. */
  set(request: IrqRequest): number | undefined {
    const errno = this.#check(request);
    const events = errno === undefined ? takeOver(request.fds) : undefined;
    if (events === undefined) {
      for (const fd of request.fds) closeSync(fd);
      return errno ?? Errno.EINVAL;
    }
    this.#carryOut(request, events);
    return undefined;
  }

  /** The client is gone. */
  close(): void {
    for (let index = 0; index < NUM_IRQS; index++) this.#disable(index);
  }

  /** Hears no unmasking until {@link proceed}; interrupts are signalled as ever. */
  suspend(): void {
    this.#suspended = true;
    const unmask = this.#intxUnmask;
    unmask?.watch?.close();
    if (unmask !== undefined) unmask.watch = undefined;
  }

  /** Goes on. An unmasking that came meanwhile, or before, is heard now. */
  proceed(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    if (this.#intxUnmask !== undefined) this.#intxUnmask.watch = this.#watch(this.#intxUnmask.event);
    this.#updateIntx();
  }

  save(put: SaveDescriptor): IrqState {
    const events = this.#events.flatMap((lines, index) => lines.flatMap((event, subIndex) => (event === undefined ? [] : [{ index, subIndex, descriptor: put(event.fd) }])));
    return {
      events,
      intxLevel: this.#intxLevel,
      intxMasked: this.#clientMasked,
      ...(this.#intxUnmask !== undefined && { intxUnmask: put(this.#intxUnmask.event.fd) }),
    };
  }

  /** As it was when that was saved, and suspended: signals nothing. @throws RangeError for a state that is none, or of `take` */
  restore(state: SavedObject, take: TakeDescriptor): void {
    this.#suspended = true;
    for (const event of state.objects('events')) {
      const index = event.number('index', NUM_IRQS - 1);
      const subIndex = event.number('subIndex', (this.#counts[index] ?? 0) - 1);
      const lines = (this.#events[index] ??= []);
      if (lines[subIndex] !== undefined) throw event.wrong('subIndex', 'that of an interrupt with one eventfd');
      lines[subIndex] = takeEvent(event, 'descriptor', take);
    }
    this.#intxLevel = state.boolean('intxLevel');
    this.#intxMasked = this.#clientMasked = state.boolean('intxMasked');
    if (state.has('intxUnmask')) this.#setUnmaskEvent(takeEvent(state, 'intxUnmask', take));
  }

  #check({ flags, index, start, count, data, fds }: IrqRequest): number | undefined {
    const kind = flags & (IRQ_SET_DATA_NONE | IRQ_SET_DATA_BOOL | IRQ_SET_DATA_EVENTFD);
    const action = flags & (IRQ_SET_ACTION_MASK | IRQ_SET_ACTION_UNMASK | IRQ_SET_ACTION_TRIGGER);
    const oneBit = (bits: number): boolean => bits !== 0 && (bits & (bits - 1)) === 0;
    const valid =
      index < NUM_IRQS &&
      flags === (kind | action) &&
      oneBit(kind) &&
      oneBit(action) &&
      start + count <= (this.#counts[index] ?? 0) &&
      data.length === (kind === IRQ_SET_DATA_BOOL ? count : 0) &&
      (fds.length === 0 || (kind === IRQ_SET_DATA_EVENTFD && fds.length === count)) &&
      // Only INTx is level-triggered, so only it can be masked; and disabling an index names no range of it.
      (action === IRQ_SET_ACTION_TRIGGER || index === IRQ_INTX) &&
      (action !== IRQ_SET_ACTION_MASK || kind !== IRQ_SET_DATA_EVENTFD) &&
      (count > 0 || (kind === IRQ_SET_DATA_NONE && action === IRQ_SET_ACTION_TRIGGER && start === 0));
    return valid ? undefined : Errno.EINVAL;
  }

  #carryOut(request: IrqRequest, events: readonly PeerEvent[]): void {
    const { flags, index, start, count, data } = request;
    if ((flags & IRQ_SET_DATA_EVENTFD) !== 0) return this.#assign(request, events);
    if (count === 0) return this.#disable(index);
    for (let i = 0; i < count; i++) {
      if ((flags & IRQ_SET_DATA_BOOL) !== 0 && data[i] === 0) continue;
      if ((flags & IRQ_SET_ACTION_TRIGGER) !== 0) this.signal(index, start + i);
      else this.#maskIntx((this.#clientMasked = (flags & IRQ_SET_ACTION_MASK) !== 0));
    }
  }

  #assign({ flags, index, start, count }: IrqRequest, events: readonly PeerEvent[]): void {
    if ((flags & IRQ_SET_ACTION_UNMASK) !== 0) return this.#setUnmaskEvent(events[0]);
    const lines = (this.#events[index] ??= []);
    for (let i = 0; i < count; i++) {
      this.#close(lines[start + i]);
      lines[start + i] = events[i];
    }
    if (index === IRQ_INTX) this.#unmaskIntx();
  }

  #disable(index: number): void {
    for (const event of this.#events[index] ?? []) this.#close(event);
    this.#events[index] = [];
    if (index !== IRQ_INTX) return;
    this.#intxMasked = this.#clientMasked = false;
    this.#setUnmaskEvent(undefined);
  }

  /** The client, or KVM for it, writes to this when the guest has served INTx. */
  #setUnmaskEvent(event: PeerEvent | undefined): void {
    this.#intxUnmask?.watch?.close();
    this.#close(this.#intxUnmask?.event);
    this.#intxUnmask = event && { event, watch: this.#suspended ? undefined : this.#watch(event) };
  }

  /** Each write is an edge, so nothing has to be read: the client could let us wait for what it has read itself. */
  #watch(event: PeerEvent): Watch {
    return this.#loop.watch(event.fd, EPOLLIN | EPOLLET, () => this.#unmaskIntx());
  }

  #close(event: PeerEvent | undefined): void {
    if (event === undefined) return;
    this.#closing(event.fd);
    event.close();
  }

  #unmaskIntx(): void {
    this.#clientMasked = false;
    this.#maskIntx(false);
  }

  #maskIntx(masked: boolean): void {
    this.#intxMasked = masked;
    this.#updateIntx();
  }

  #updateIntx(): void {
    if (!this.#intxLevel || this.#intxMasked || this.#events[IRQ_INTX]?.[0] === undefined) return;
    this.#intxMasked = true;
    this.signal(IRQ_INTX, 0);
  }
}

/** Undefined, with all still the caller's, if one is no eventfd. */
function takeOver(fds: readonly number[]): PeerEvent[] | undefined {
  try {
    return fds.map((fd) => new PeerEvent(fd));
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/** @throws RangeError if what is of that number is no eventfd, or of `take` */
function takeEvent(state: SavedObject, member: string, take: TakeDescriptor): PeerEvent {
  const fd = take(state.number(member));
  try {
    return new PeerEvent(fd);
  } catch {
    closeSync(fd);
    throw state.wrong(member, 'the number of an eventfd');
  }
}
