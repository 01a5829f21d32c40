import type { AddedDevice } from '@vpmem/machine';
import type { MonitorPlan } from '@vpmem/monitor';
import type { RunningProgram } from '@vpmem/running-programs';
import type { Background } from './background.ts';
import type { Continuable } from './upgrade/continuable.ts';
import type { Log } from './log.ts';
import type { LoadedProgram } from './program.ts';
import type { Setup } from './options/setup.ts';

/** What a service is made of. */
export interface ServiceParts {
  readonly program: LoadedProgram;
  readonly setup: Setup;
  readonly plan: MonitorPlan;
  /** On stderr. */
  readonly log: Log;
  /** For a process that is to leave the terminal. */
  readonly background?: Background;
  /** The words of the command line, and the folder they were typed in. */
  readonly words: readonly string[];
  readonly folder: string;
  /** The program whose place this one takes. */
  readonly takes: (RunningProgram & { readonly takeover: string }) | undefined;
}

/** Whose place a process takes. */
export interface Predecessor {
  readonly listeners: Map<string, number>;
  readonly pidFile: number | undefined;
  into(machine: Continuable, setup: Setup): Promise<readonly AddedDevice[]>;
}
