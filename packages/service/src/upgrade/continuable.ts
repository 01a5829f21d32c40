import type { AddedDevice } from '@vpmem/machine';
import type { DescriptorStore } from '@vpmem/descriptor-store';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { Setup } from '../options/setup.ts';

/** A machine that can go on in another process. */
export interface Continuable {
  /** In which version its state is written, and which it understands. */
  readonly version: number;
  readonly understands: readonly number[];
  /** Everything of the command line is in it; what comes later came by a monitor. */
  complete(): void;
  /** What another process has to know to tell whether its own options say the same; plain JSON. */
  about(): unknown;
  /** What of a command line says something else than what runs, in words; undefined if nothing does. `folder`: where its paths begin. */
  contradiction(setup: Setup, about: unknown, folder: string): string | undefined;
  /** Gets ready to {@link restore} in no time: a guest waits meanwhile. */
  prepare(): Promise<void>;
  /** Reads nothing more, and finishes what is in flight. @throws MachineError for what cannot be handed over */
  suspend(): Promise<void>;
  /** All of it, after that, as plain JSON. */
  save(put: SaveDescriptor): Promise<unknown>;
  /** What of {@link save} a descriptor store holds for the machine, by name. */
  heldIn(state: unknown): Readonly<Record<string, number>>;
  /**
   * Makes it again, in a machine that has nothing yet; it waits for {@link proceed}. `store`: what holds its descriptors, and held them before.
   *
   * @throws MachineError, OptionError, RangeError
   */
  restore(state: unknown, take: TakeDescriptor, store?: DescriptorStore): Promise<readonly AddedDevice[]>;
  /** All of it, at any time, but for what its devices keep by themselves: for a process that comes after this one has died. */
  saveKept(put: SaveDescriptor): unknown;
  /** Makes it again from that, in a machine that has nothing yet and the same descriptor store; it waits for {@link proceed}. */
  restoreKept(state: unknown, take: TakeDescriptor): Promise<readonly AddedDevice[]>;
  /** Calls `listener` whenever {@link saveKept} would say something else. */
  onChange(listener: () => void): void;
  /** Goes on, or begins. */
  proceed(): Promise<void>;
  /** Closes all it has, and changes nothing: another process has it. */
  letGo(): Promise<void>;
}
