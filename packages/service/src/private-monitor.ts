import { join } from 'node:path';
import { ensureSocketFolder, type ManagedMachine } from '@vpmem/machine';
import { Monitors, type About } from '@vpmem/monitor';
import { fileStem, ProgramEntry, runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import { planPrivateMonitor } from './options/monitor-options.ts';
import { explainMistake } from './options/named-mistake.ts';
import { runtimeFolder } from './runtime-folder.ts';

/** What its entry says beside that. */
type MoreOfIt = Pick<RunningProgram, 'takeover' | 'words' | 'folder' | 'metrics'>;

/** How `vpmem ps` finds a program and talks to it: a QMP socket for this user alone, and a file that tells of it. */
export class PrivateMonitor {
  readonly #monitors: Monitors;
  readonly #entry: ProgramEntry;

  private constructor(monitors: Monitors, entry: ProgramEntry) {
    this.#monitors = monitors;
    this.#entry = entry;
  }

  /** Convenient, not needed: where it cannot be had there is a warning, and undefined. `more` goes into its entry. */
  static async open(machine: ManagedMachine, about: About, more: MoreOfIt = {}): Promise<PrivateMonitor | undefined> {
    try {
      return await PrivateMonitor.#open(machine, about, more);
    } catch (error) {
      const why = explainMistake(error) ?? (error as Error).message;
      about.warn(`'vpmem ps' will not show this program: ${why}`);
      return undefined;
    }
  }

  /** @throws MachineError, MonitorError, OptionError or node's error, with nothing left open */
  static async #open(machine: ManagedMachine, about: About, more: MoreOfIt): Promise<PrivateMonitor> {
    const folder = runtimeFolder() ?? ensureSocketFolder();
    // Takes away what programs that were killed have left there.
    runningPrograms([folder]);
    const { program } = about;
    const { pid } = process;
    const qmp = join(folder, `${fileStem({ program, pid })}.qmp`);
    const monitors = await Monitors.open(planPrivateMonitor(qmp), machine, about, { loadLate: true });
    try {
      const { name } = machine;
      return new PrivateMonitor(monitors, new ProgramEntry(folder, { program, pid, qmp, started: new Date().toISOString(), ...(name !== undefined && { name }), ...more }));
    } catch (error) {
      await monitors.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#entry.remove();
    await this.#monitors.close();
  }
}
