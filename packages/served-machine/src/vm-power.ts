import type { PowerCutOrder } from '@vpmem/machine';
import type { PowerCutOptions, PowerCutReport } from '@vpmem/simulated-medium';

/** A device as far as its VM's power goes. */
export interface PoweredDevice {
  readonly backing: {
    /** Whether it loses anything with its power. */
    readonly canLose: boolean;
    /** What the cut that comes, or came last, is to leave. */
    readonly leaves: PowerCutOptions | undefined;
    cut(order: PowerCutOrder, done: (outcome: PowerCutReport | NodeJS.ErrnoException | undefined) => void): void;
  };
}

/** What a VM's power reaches. */
export interface VmPowerParts<D extends PoweredDevice> {
  /** All devices there are. */
  readonly devices: () => readonly D[];
  /** Ends a process at once. */
  readonly kill: (pid: number) => void;
  /** Hears what another device lost with the first. */
  readonly lost: (device: D, outcome: PowerCutReport | Error) => void;
}

/** The power of the one VM that has all devices of a thread: where one device loses it, so do the VM's process and all others. */
export class VmPower<D extends PoweredDevice> {
  readonly #parts: VmPowerParts<D>;
  #pid: number | undefined;
  #off = false;
  /** Cuts that are being carried out. */
  #cutting = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: VmPowerParts<D>) {
    this.#parts = parts;
  }

  /** Every device is of the process `pid` from now on. */
  bind(pid: number): void {
    this.#pid = pid;
    this.#off = false;
  }

  /** The process has ended; `done` hears whether it lost its power, when no cut is being carried out any more. */
  release(done: (off: boolean) => void): void {
    this.#pid = undefined;
    const answer = (): void => done(this.#off);
    if (this.#cutting === 0) answer();
    else this.#waiting.push(answer);
  }

  /** A device has lost its power. */
  powerLost(first: D): void {
    this.#cutting++;
    const { leaves: options } = first.backing;
    if (this.#pid === undefined || options === undefined) return;
    const pid = this.#pid;
    this.#pid = undefined;
    this.#off = true;
    this.#parts.kill(pid);
    for (const other of this.#parts.devices()) {
      if (other === first || !other.backing.canLose) continue;
      other.backing.cut({ options, at: undefined }, (outcome) => {
        if (outcome !== undefined) this.#parts.lost(other, outcome);
      });
    }
  }

  /** It has it back: what it lost has been told. */
  powerBack(): void {
    if (--this.#cutting === 0) for (const answer of this.#waiting.splice(0)) answer();
  }
}
