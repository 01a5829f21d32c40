import type { SavedObject } from '@vpmem/layout';
import { PassingFailure, type After, type Syncer } from '@vpmem/memory-backend';

/** What goes wrong: the flush fails with EIO, is late, or is never answered. */
export type FaultKind = 'error' | 'delay' | 'hang';

/** A fault to come. */
export interface FlushFault {
  readonly kind: FaultKind;
  /** Which flush, counted from now: 1 is the next. Flushes that share a sync count as one. */
  readonly atFlush: number;
  /** From that flush on, not only at it. */
  readonly lasting: boolean;
  /** Of a delay, in milliseconds. */
  readonly delay: number;
}

/** Faults there were. A plain object, safe to copy. */
export interface FaultStats {
  failed: number;
  delayed: number;
  hung: number;
}

/** What goes wrong, and what went, as plain JSON. */
export interface FlushFaultsState {
  readonly stats: FaultStats;
  /** What is to come; absent if nothing is. */
  readonly fault?: FlushFault;
}

const KINDS: readonly FaultKind[] = ['error', 'delay', 'hang'];

type Done = (error: NodeJS.ErrnoException | undefined) => void;

/** A {@link Syncer} that fails when it is told to; what it lets pass is another's. */
export class FlushFaults implements Syncer {
  /** Hears that something else is to come. */
  onChange: (() => void) | undefined;
  readonly stats: FaultStats = { failed: 0, delayed: 0, hung: 0 };
  readonly #syncer: Syncer;
  readonly #after: After;
  readonly #failed: ((reason: string) => void) | undefined;
  #fault: FlushFault | undefined;
  /** Carries on with a flush that is being held back. */
  #held: (() => void) | undefined;
  #hurries = false;

  /** `failed` hears of flushes that fail without having been asked of `syncer`. */
  constructor(syncer: Syncer, after: After, failed?: (reason: string) => void) {
    this.#syncer = syncer;
    this.#after = after;
    this.#failed = failed;
  }

  get begun(): boolean {
    return this.#held === undefined && this.#syncer.begun;
  }

  /** What is to come; undefined if nothing is. */
  get fault(): FlushFault | undefined {
    return this.#fault;
  }

  /** Replaces what was to come, and lets a flush that is held back go on. */
  plan(fault: FlushFault | undefined): void {
    this.#fault = fault;
    this.onChange?.();
    this.#goOn();
  }

  /** Whether nothing is late or hangs for now, though it is counted as if. A flush that is held back goes on. */
  hurry(hurries: boolean): void {
    this.#hurries = hurries;
    if (hurries) this.#goOn();
  }

  /** At any time; a flush that is held back is not in it. */
  save(): FlushFaultsState {
    return { stats: { ...this.stats }, ...(this.#fault !== undefined && { fault: this.#fault }) };
  }

  /** Goes on from what {@link save} has given. @throws RangeError: nothing has changed then */
  restore(saved: SavedObject): void {
    const stats = saved.object('stats');
    const [failed, delayed, hung] = [stats.number('failed'), stats.number('delayed'), stats.number('hung')];
    this.#fault = saved.optional('fault', (name) => {
      const fault = saved.object(name);
      return { kind: fault.word('kind', KINDS), atFlush: fault.number('atFlush', undefined, 1), lasting: fault.boolean('lasting'), delay: fault.real('delay', 0) };
    });
    Object.assign(this.stats, { failed, delayed, hung });
  }

  /** Lets a flush that is held back go on: nobody waits for it any more. */
  release(): void {
    this.#goOn();
    this.#syncer.release?.();
  }

  #goOn(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  start(done: Done): void {
    const fault = this.#fault === undefined ? undefined : this.#due(this.#fault);
    if (fault === undefined) this.#syncer.start(done);
    else if (fault.kind === 'error') this.#fail(fault.lasting, done);
    else this.#hold(fault, done);
  }

  #due(fault: FlushFault): FlushFault | undefined {
    if (fault.atFlush > 1) {
      this.#fault = { ...fault, atFlush: fault.atFlush - 1 };
      return undefined;
    }
    if (!fault.lasting) this.#fault = undefined;
    return fault;
  }

  #fail(lasting: boolean, done: Done): void {
    this.stats.failed++;
    const error = lasting ? new Error('fdatasync: i/o error (EIO), as was planned') : new PassingFailure('fdatasync: i/o error (EIO), once, as was planned');
    this.#failed?.(error.message);
    this.#after(0, () => done(Object.assign(error, { code: 'EIO', errno: 5, syscall: 'fdatasync' })));
  }

  #hold({ kind, delay }: FlushFault, done: Done): void {
    this.stats[kind === 'delay' ? 'delayed' : 'hung']++;
    if (this.#hurries) return this.#syncer.start(done);
    const cancel = kind === 'delay' ? this.#after(delay, () => this.#goOn()) : () => undefined;
    this.#held = () => {
      cancel();
      this.#syncer.start(done);
    };
  }
}
