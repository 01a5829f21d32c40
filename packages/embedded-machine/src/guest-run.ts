import { Guest, type GuestMachine } from '@vpmem/guest';
import { MachineError, type MachineEvent, type RunState, type ShutdownReason } from '@vpmem/machine';
import type { Firmware } from './hardware/firmware.ts';

/** What a guest runs on, and who hears of it. */
export interface GuestRunParts {
  readonly hardware: GuestMachine;
  /** What runs before every start of the guest's system, if anything. */
  readonly firmware: Pick<Firmware, 'run'> | undefined;
  readonly emit: (event: MachineEvent) => void;
  /** Hears of devices that the guest cannot use. */
  readonly warn: (text: string) => void;
}

/** The run of a machine's guest, from its start to the end of its power. */
export class GuestRun {
  readonly #parts: GuestRunParts;
  #guest: Guest | undefined;
  #state: RunState = 'prelaunch';

  constructor(parts: GuestRunParts) {
    this.#parts = parts;
  }

  get state(): RunState {
    return this.#state;
  }
  /** Undefined before {@link start}. */
  get guest(): Guest | undefined {
    return this.#guest;
  }

  /** Makes a guest, which stands still until {@link begin} or {@link cont}. @throws MachineError the second time */
  start(): void {
    if (this.#guest !== undefined) throw new MachineError('machine-state', undefined, 'the machine has been started already');
    const { firmware, hardware, warn } = this.#parts;
    firmware?.run();
    this.#guest = new Guest({ machine: hardware, problem: warn });
  }

  /** Lets it run for the first time, which is no event. */
  begin(): void {
    this.#state = 'running';
    this.#parts.hardware.processor.cont();
  }

  stop(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#parts.hardware.processor.stop();
    this.#parts.emit({ name: 'STOP', data: {} });
  }

  cont(): void {
    if (this.#state === 'running') return;
    // Devices may have come and gone since the reset, and no system has looked yet.
    if (this.#state === 'prelaunch') this.#parts.firmware?.run();
    this.#state = 'running';
    this.#parts.emit({ name: 'RESUME', data: {} });
    this.#parts.hardware.processor.cont();
  }

  /** The machine is being reset, its devices were: the system starts anew, and a stopped one is in prelaunch. */
  reset(): void {
    if (this.#state === 'paused') this.#state = 'prelaunch';
    this.#parts.firmware?.run();
    this.#guest?.reset();
  }

  /** The guest dies where it stands, then `resetDevices` is called; {@link cont} starts it anew. */
  losePower(resetDevices: () => void): void {
    const { hardware, firmware, emit } = this.#parts;
    hardware.processor.stop();
    if (this.#state === 'running') emit({ name: 'STOP', data: {} });
    if (this.#state !== 'shutdown') this.#state = 'prelaunch';
    resetDevices();
    firmware?.run();
    this.#guest?.reset('the power was cut');
  }

  /** Stops it for good and says SHUTDOWN, once. */
  end(reason: ShutdownReason): void {
    if (this.#state === 'shutdown') return;
    this.#state = 'shutdown';
    this.#parts.hardware.processor.stop();
    this.#parts.emit({ name: 'SHUTDOWN', data: { guest: false, reason } });
  }

  /** The hardware goes, and all that runs on it. */
  close(): void {
    this.#state = 'shutdown';
    if (this.#guest === undefined) this.#parts.hardware.close();
    else this.#guest.cutPower();
  }

  /** @throws MachineError before {@link start} */
  checkStarted(): void {
    if (this.#guest === undefined) throw new MachineError('machine-state', undefined, 'the machine has not been started yet');
  }
}
