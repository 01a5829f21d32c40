import { explainEvent, makeRecordingFolder, nothingToRecord, recordAll, type AddedDevice, type MachineEvent } from '@vpmem/machine';
import { Monitors, terminalMonitor, type About, type MonitorPlan } from '@vpmem/monitor';
import { nameThread } from '@vpmem/native/thread-name';
import type { Background } from './background.ts';
import { describeInternalError, EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import { namedMistake } from './named-mistake.ts';
import { Notifier } from './notify.ts';
import { PidFile } from './pid-file.ts';
import { PrivateMonitor } from './private-monitor.ts';
import type { EndReason, LoadedProgram, OwnedMachine } from './program.ts';
import { runtimeFolder } from './runtime-folder.ts';
import { SetupError } from './setup-error.ts';
import { located, locatedAsync, type ParsedSetupOption } from './setup-option.ts';
import type { Setup } from './setup.ts';
import { standardOutput } from './standard-output.ts';
import { StatusReport } from './status-report.ts';
import { StopSignal } from './stop-signal.ts';

/** What a service is made of. */
export interface ServiceParts {
  readonly program: LoadedProgram;
  readonly setup: Setup;
  readonly plan: MonitorPlan;
  /** On stderr. */
  readonly log: Log;
  /** For a process that is to leave the terminal. */
  readonly background?: Background;
}

/** One machine with all that is around it, from making it to its end. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #stop: StopSignal;
  /** Aborted when a monitor's client has said `quit`. */
  readonly #quit = new AbortController();
  #log: Log;
  /** Takes the folder of `-record` away again. */
  #removeRecordFolder: () => void = () => undefined;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#stop = new StopSignal({ followsParent: parts.setup.runWith['exit-with-parent'] });
    this.#log = parts.log;
  }

  /** Makes everything, or nothing; then runs until a signal or `quit` comes. @throws SetupError */
  async run(): Promise<number> {
    const { program, setup, log } = this.#parts;
    if (!nameThread(setup.processName ?? program.name) && setup.processName !== undefined) {
      throw new SetupError(`-name process=${setup.processName}: the process cannot be named: /proc cannot be written to`);
    }
    process.on('uncaughtException', (error) => this.#die(error));
    for (const warning of setup.warnings) log.warning(warning);
    const laterLog = setup.logFile === undefined ? undefined : this.#openLog(setup.logFile);
    const pidFile = setup.pidFile === undefined ? undefined : new PidFile(setup.pidFile);
    try {
      const machine = this.#machine();
      const quit = new Promise<EndReason>((resolve) => {
        machine.managed.onEvent(({ name }) => {
          if (name !== 'SHUTDOWN') return;
          this.#quit.abort(new Error('ended by a monitor'));
          resolve('quit');
        });
      });
      const monitors: { close(): Promise<void> }[] = [];
      try {
        const devices = await this.#addDevices(machine);
        if (this.#stop.asked) return await this.#abandon(machine, monitors);
        const asked = await this.#openMonitors(machine);
        monitors.push(asked);
        await machine.start?.();
        const own = await PrivateMonitor.open(machine.managed, this.#about());
        if (own !== undefined) monitors.push(own);
        // A file of messages says where each run begins, as it says where it ends.
        laterLog?.info(`ready: version ${program.version}, process ${process.pid}`, { event: 'ready', version: program.version });
        this.#announce(devices);
        asked.serveTerminal();
        if (process.stderr.isTTY) log.writeWithin((write) => asked.aboveTerminalLine(write));
      } catch (error) {
        await this.#abandon(machine, monitors);
        // Whoever we waited for: a signal, or a monitor that is there already, gave it up.
        if (error === this.#stop.abort.reason || error === this.#quit.signal.reason) return EXIT_STATUS.ok;
        throw error;
      }
      const report = new StatusReport(new Notifier(), machine.managed, (text) => this.#log.warning(text));
      this.#parts.background?.detach();
      this.#log = laterLog ?? log;
      const reason = await Promise.race([quit, this.#stop.came.then(() => 'signal' as const)]);
      report.stopping();
      await machine.end(reason);
      for (const monitor of monitors) await monitor.close();
      return EXIT_STATUS.ok;
    } finally {
      pidFile?.remove();
    }
  }

  #machine(): OwnedMachine {
    const { program, setup } = this.#parts;
    const parts = {
      setup,
      socketFolder: runtimeFolder(),
      warning: (text: string): void => this.#log.warning(text),
      failed: (error: Error): void => this.#die(error),
    };
    try {
      const machine = program.machine(parts);
      machine.managed.onEvent((event) => this.#tell(event));
      return machine;
    } catch (error) {
      throw namedMistake(error, [...setup.machine, ...setup.memory]);
    }
  }

  /** In the order given, but objects first, as QEMU does: a device may stand before its object. */
  async #addDevices({ managed }: OwnedMachine): Promise<AddedDevice[]> {
    const { devices } = this.#parts.setup;
    for (const { parsed, location } of this.#objects()) await locatedAsync(location, () => managed.addObject(parsed));
    const added = [];
    for (const { parsed, location } of devices) added.push(await locatedAsync(location, () => managed.addDevice(parsed)));
    return added;
  }

  #objects(): readonly ParsedSetupOption[] {
    const { objects, devices, recordFolder: folder } = this.#parts.setup;
    if (folder === undefined) return objects;
    const recorded = recordAll(objects, devices, folder);
    if (recorded.count === 0) this.#log.warning(`-record ${folder}: ${nothingToRecord(folder)}`);
    else this.#removeRecordFolder = located(() => `-record ${folder}`, () => makeRecordingFolder(folder));
    return recorded.objects;
  }

  async #openMonitors({ managed }: OwnedMachine): Promise<Monitors> {
    try {
      return await Monitors.open(this.#parts.plan, managed, this.#about());
    } catch (error) {
      throw namedMistake(error, this.#parts.setup.monitors);
    }
  }

  #about(): About {
    const { name, version } = this.#parts.program;
    return {
      program: name,
      version,
      warn: (text) => this.#log.warning(text),
      info: (text) => this.#log.info(text),
      internalError: (error) => this.#log.error(describeInternalError(error)),
      signal: AbortSignal.any([this.#stop.abort, this.#quit.signal]),
    };
  }

  async #abandon(machine: OwnedMachine, monitors: readonly { close(): Promise<void> }[]): Promise<number> {
    await machine.abandon();
    this.#removeRecordFolder();
    for (const monitor of monitors) await monitor.close();
    return EXIT_STATUS.ok;
  }

  /** A monitor on the terminal has stdout for itself. */
  #announce(devices: readonly AddedDevice[]): void {
    const { program, plan, log } = this.#parts;
    const lines = [...(program.announce?.(devices) ?? []), `${program.name}: ready`];
    if (terminalMonitor(plan) !== undefined) for (const line of lines) log.info(line.replace(`${program.name}: `, ''));
    else standardOutput.write(`${lines.join('\n')}\n`);
  }

  #tell(event: MachineEvent): void {
    const { severity, text } = explainEvent(event);
    // Of a device that is deleted both halves are told to monitors; people know one.
    const inner = event.name === 'DEVICE_DELETED' && event.data.path.endsWith('/virtio-backend');
    this.#log.at(inner ? 'debug' : severity, text, { event: event.name, ...event.data });
  }

  /** At once: nobody knows what still works. */
  #die(error: unknown): never {
    this.#log.fatal(describeInternalError(error));
    process.exit(EXIT_STATUS.internal);
  }

  #openLog(file: string): Log {
    const { program, setup } = this.#parts;
    try {
      return new Log({ program: program.name, name: setup.name, ...setup.messages, file });
    } catch (error) {
      throw new SetupError(`-D ${file}: cannot be opened: ${(error as Error).message}`, { cause: error });
    }
  }
}
