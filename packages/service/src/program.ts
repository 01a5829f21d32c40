import type { AddedDevice, ManagedMachine } from '@vpmem/machine';
import type { DescriptorStore } from '@vpmem/descriptor-store';
import type { Continuable } from './upgrade/continuable.ts';
import type { ProgramName } from './options/option-table.ts';
import type { Setup } from './options/setup.ts';
import type { TypesByOption } from './options/usage.ts';

/** Why a machine ends. */
export type EndReason = 'signal' | 'quit';

/** A machine, and what only its owner may do with it. */
export interface OwnedMachine {
  readonly managed: ManagedMachine;
  /** How it goes on in another process, where it can. */
  readonly continuable?: Continuable;
  /** Called once everything of the command line is in it. */
  start?(): Promise<void>;
  /** Ends it in good order, everything durable; after `quit` it may have done so already. */
  end(reason: EndReason): Promise<void>;
  /** Undoes a set-up that could not be finished: files it made are gone again. */
  abandon(): Promise<void>;
}

/** What a machine is made of and with, beside its objects and devices. */
export interface MachineParts {
  readonly setup: Setup;
  /** Where what outlives this process is held, if somebody does. */
  readonly store: DescriptorStore | undefined;
  /** Directory for sockets that are not named, where systemd has made one. */
  readonly socketFolder: string | undefined;
  /** One line for people. */
  readonly warning: (text: string) => void;
  /** The machine is broken: an error in this program, which ends. */
  readonly failed: (error: Error) => void;
}

/** What a program is made of once more is asked of it than its help or its version. */
export interface ProgramBody {
  readonly types: TypesByOption;
  /** A monitor, as `-monitor` would name it, for a command line that asks for none. */
  readonly defaultMonitor?: string;
  /** What is wrong with a command line that can be understood, if anything is. */
  complaint?(setup: Setup): string | undefined;
  /** @throws OptionError, MachineError, BackendError */
  machine(parts: MachineParts): OwnedMachine;
  /** Lines for stdout, before the one that says it is ready. */
  announce?(devices: readonly AddedDevice[]): readonly string[];
}

/** A program around a machine. */
export interface Program {
  readonly name: ProgramName;
  readonly version: string;
  /** What `-help` prints before and after the list of options. */
  readonly help: { readonly before: string; readonly after: string };
  /** Loads the rest, which a help or a version does without. */
  body(): Promise<ProgramBody>;
}

/** A program that is going to run. */
export type LoadedProgram = Program & ProgramBody;
