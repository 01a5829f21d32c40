import type { TrackerChoice } from '@vpmem/simulated-medium/testing';
import type { FailureControl } from '../src/failure-control.ts';
import type { MachineEvent } from '../src/machine-event.ts';
import type { ManagedMachine } from '../src/managed-machine.ts';
import type { PmemInfo } from '../src/memory-info.ts';
import type { RecordingControl } from '../src/recording-control.ts';

/** For tests of every machine: a device with a simulated medium, and a guest that uses it. */
export interface PowerSetting {
  readonly failures: FailureControl;
  readonly recordings: RecordingControl;
  readonly events: readonly MachineEvent[];
  readonly folder: string;
  /** Calls back at the next power cut. */
  onceCut(callback: () => void): void;
  store(offset: number, bytes: string | Uint8Array): Promise<void>;
  fsync(): Promise<void>;
  load(offset: number, length: number): Promise<Buffer>;
  /** The guest after a power cut. */
  startAgain(): Promise<void>;
  /** The guest goes, with its device flushed or not, and another comes. */
  reset(): Promise<void>;
  info(): Promise<PmemInfo>;
  /** In good order. */
  close(): Promise<void>;
}

/** Makes one, whose written pages are found by that tracker; what its backend is to have besides begins with a comma. */
export type MakeSetting = (tracker: TrackerChoice['kind'], besides?: (folder: string) => string) => Promise<PowerSetting>;

/** Of a backend with a simulated medium. */
export function mediumOptions(tracker: TrackerChoice['kind']): string {
  return `size=4M,share=on,power-failure=on,page-tracker=${tracker}`;
}

/** Of its only device. */
export async function infoOf(machine: ManagedMachine): Promise<PmemInfo> {
  const [info] = await machine.pmem();
  if (info === undefined) throw new TypeError('the device is not there');
  return info;
}

/** Calls back at the next power cut, and then no more. */
export function onceCut(machine: ManagedMachine, callback: () => void): void {
  const forget = machine.onEvent(({ name }) => {
    if (name !== 'PMEM_POWER_CUT') return;
    forget();
    callback();
  });
}
