import { explainEvent, makeRecordingFolder, nothingToRecord, recordAll, type AddedDevice, type MachineEvent } from '@vpmem/machine';
import { Monitors, terminalMonitor, type About } from '@vpmem/monitor';
import { nameThread } from '@vpmem/native/thread-name';
import { describeInternalError, EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import type { Continuable } from './upgrade/continuable.ts';
import { continuedSetup } from './continued-setup.ts';
import { GiveAway, type Belongings } from './upgrade/give-away.ts';
import { closeListeners } from './upgrade/inherited-listeners.ts';
import { Keeping } from './upgrade/keeping.ts';
import { MetricsEndpoint, type NamedListener } from './metrics-endpoint.ts';
import { explainMistake, namedMistake } from './options/named-mistake.ts';
import { Notifier } from './notify.ts';
import { PidFile } from './pid-file.ts';
import { PrivateMonitor } from './private-monitor.ts';
import type { EndReason, OwnedMachine } from './program.ts';
import { runtimeFolder } from './runtime-folder.ts';
import type { Predecessor, ServiceParts } from './service-parts.ts';
import { SetupError } from './options/setup-error.ts';
import { located, locatedAsync, type ParsedSetupOption } from './options/setup-option.ts';
import { standardOutput } from './standard-output.ts';
import { StatusReport } from './status-report.ts';
import { StopSignal } from './stop-signal.ts';
import { TakeOver } from './upgrade/take-over.ts';

/** One machine with all that is around it, from making it to its end. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #stop: StopSignal;
  /** Aborted when a monitor's client has said `quit`. */
  readonly #quit = new AbortController();
  #log: Log;
  #give: (given: { readonly to: number }) => void = () => undefined;
  /** Settles when another process has taken over. */
  readonly #given = new Promise<{ readonly to: number }>((resolve) => (this.#give = resolve));
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
    const metrics = await MetricsEndpoint.prepare(setup.metrics);
    const laterLog = setup.logFile === undefined ? undefined : this.#openLog(setup.logFile);
    // Who takes another's place has what holds that one's descriptors.
    let keeping = this.#parts.takes === undefined ? Keeping.ofEnvironment(process.env) : undefined;
    const before = await this.#predecessor(keeping);
    const taken = before instanceof TakeOver ? before : undefined;
    const notifier = new Notifier(process.env, { address: (taken ?? keeping)?.address, watchdog: taken?.watchdog });
    // Of a program whose place this one takes it is to be had later.
    let pidFile = setup.pidFile === undefined || before !== undefined ? undefined : new PidFile(setup.pidFile);
    try {
      const machine = this.#machine(keeping);
      const quit = new Promise<EndReason>((resolve) => {
        machine.managed.onEvent(({ name }) => {
          if (name !== 'SHUTDOWN') return;
          this.#quit.abort(new Error('ended by a monitor'));
          resolve('quit');
        });
      });
      const monitors: { close(): Promise<void> | void }[] = [];
      let away: GiveAway | undefined;
      try {
        const devices = before === undefined ? await this.#addDevices(machine) : await this.#goOn(before, machine);
        if (taken !== undefined) keeping = taken.keeping;
        if (before !== undefined && setup.pidFile !== undefined) pidFile = new PidFile(setup.pidFile, before.pidFile);
        if (this.#stop.asked) return await this.#abandon(machine, monitors);
        const asked = await this.#openMonitors(machine, before);
        monitors.push(asked);
        if (metrics !== undefined) monitors.push(await this.#openMetrics(metrics, machine, before));
        const listeners = (): readonly NamedListener[] => [...asked.listeners, ...(metrics?.listeners ?? [])];
        if (before !== undefined) closeListeners(before.listeners);
        await machine.start?.();
        machine.continuable?.complete();
        if (machine.continuable !== undefined) keeping?.begin(machine.continuable, { listeners, pidFile: pidFile?.fd });
        away = await this.#giveAway(machine, { listeners, pidFile: pidFile?.fd, keeping, watchdog: notifier.watchdog });
        if (away !== undefined) monitors.push(away);
        const { words, folder } = this.#parts;
        const found = await PrivateMonitor.open(machine.managed, this.#about(), { ...(away !== undefined && { takeover: away.path, words, folder }), ...metrics?.entry });
        if (found !== undefined) monitors.push(found);
        // A file of messages says where each run begins, as it says where it ends.
        laterLog?.info(`ready: version ${program.version}, process ${process.pid}`, { event: 'ready', version: program.version });
        this.#announce(devices, metrics?.location);
        asked.serveTerminal();
        if (process.stderr.isTTY) log.writeWithin((write) => asked.aboveTerminalLine(write));
      } catch (error) {
        await this.#abandon(machine, monitors);
        // Whoever we waited for: a signal, or a monitor that is there already, gave it up.
        if (error === this.#stop.abort.reason || error === this.#quit.signal.reason) return EXIT_STATUS.ok;
        throw error;
      }
      keeping?.store.onLost(() => this.#log.warning('the keeper has ended: should this process die too, its guests lose their devices; start it anew with -keep when that can be'));
      const report = new StatusReport(notifier, machine.managed, (text) => this.#log.warning(text));
      this.#parts.background?.detach();
      this.#log = laterLog ?? log;
      const restart = keeping?.bySystemd === true ? [StopSignal.restart().then(() => 'restart' as const)] : [];
      const reason = await Promise.race([...restart, quit, this.#stop.came.then(() => 'signal' as const), this.#given.then(({ to }) => to)]);
      const given = typeof reason === 'number' ? reason : await takenMeanwhile(away);
      // systemd tells all processes of a service to stop, and a second signal would not wait for anything.
      const stopped = typeof reason !== 'number' && keeping?.bySystemd !== true;
      if (given !== undefined) return await this.#leave(given, report, monitors, { told: keeping !== undefined, stopped });
      if (typeof reason === 'number') throw new TypeError('given away, and to nobody');
      report.stopping();
      if (reason === 'restart') {
        if (machine.continuable === undefined) throw new TypeError('kept, and cannot go on');
        return await this.#leaveKept(machine.continuable, monitors);
      }
      await machine.end(reason);
      keeping?.end();
      for (const monitor of monitors) await monitor.close();
      return EXIT_STATUS.ok;
    } finally {
      pidFile?.remove();
    }
  }

  /** Whose place this process takes: of one that runs, or of one that died under the same keeper. */
  async #predecessor(keeping: Keeping | undefined): Promise<Predecessor | undefined> {
    const { setup, takes, program } = this.#parts;
    if (keeping?.continues === true) return keeping;
    return takes === undefined || setup.takeover === undefined ? undefined : TakeOver.begin(setup.takeover, takes, program.name);
  }

  /** @throws SetupError, and then a program that runs goes on */
  async #goOn(before: Predecessor, machine: OwnedMachine): Promise<readonly AddedDevice[]> {
    if (machine.continuable === undefined) throw new SetupError(`${this.#parts.program.name} cannot take another's place`);
    return before.into(machine.continuable, continuedSetup(this.#parts.setup));
  }

  /**
   * systemd stops the service to start it again: what it holds for the next process stays as it is. Nothing ends, and nothing is flushed
   * that the guest did not.
   */
  async #leaveKept(machine: Continuable, monitors: readonly { close(): Promise<void> | void }[]): Promise<never> {
    await machine.suspend();
    for (const monitor of monitors) if (monitor instanceof PrivateMonitor || monitor instanceof GiveAway) await monitor.close();
    process.exit(EXIT_STATUS.ok);
  }

  /** Where another process can ask to take this one's place. Convenient, not needed: where it cannot be had there is a warning. */
  async #giveAway({ continuable: machine }: OwnedMachine, more: Pick<Belongings, 'listeners' | 'pidFile' | 'keeping' | 'watchdog'>): Promise<GiveAway | undefined> {
    if (machine === undefined) return undefined;
    const { program: { name: program, version }, words, folder } = this.#parts;
    try {
      return await GiveAway.open({ program, version, words, folder, machine, ...more }, (outcome) => {
        if (outcome.outcome === 'given') this.#give(outcome);
        else if (outcome.outcome === 'lost') this.#leaveToThird(outcome.reason);
        else this.#log.warning(`not taken over: ${outcome.reason}`);
      });
    } catch (error) {
      this.#log.warning(`this program cannot be taken over: ${explainMistake(error) ?? (error as Error).message}`);
      return undefined;
    }
  }

  /** Another process has all that was here: nothing of it is touched any more. */
  async #leave(to: number, report: StatusReport, monitors: readonly { close(): Promise<void> | void }[], { told, stopped }: { readonly told: boolean; readonly stopped: boolean }): Promise<number> {
    this.#log.info(`process ${to} has taken over`, { event: 'taken-over', to });
    report.replaced(told ? undefined : to);
    if (stopped) process.kill(to, 'SIGTERM');
    // Sockets of this process alone; the paths of those that listen are the other's by now.
    for (const monitor of monitors) if (monitor instanceof PrivateMonitor || monitor instanceof GiveAway) await monitor.close();
    process.exit(EXIT_STATUS.ok);
  }

  /** What was here is a third process' by now, or will be. */
  #leaveToThird(reason: string): never {
    this.#log.error(`who had taken over died: ${reason}; both are to be followed by another process`);
    process.exit(EXIT_STATUS.internal);
  }

  #machine(keeping: Keeping | undefined): OwnedMachine {
    const { program, setup } = this.#parts;
    const parts = {
      setup,
      store: keeping?.store,
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

  async #openMonitors({ managed }: OwnedMachine, before: Predecessor | undefined): Promise<Monitors> {
    try {
      return await Monitors.open(this.#parts.plan, managed, this.#about(), before === undefined ? {} : { inherited: before.listeners });
    } catch (error) {
      const mistake = namedMistake(error, this.#parts.setup.monitors);
      if (!this.#bears(before, mistake)) throw mistake;
      return Monitors.open({ monitors: [], warnings: [] }, managed, this.#about());
    }
  }

  async #openMetrics(metrics: MetricsEndpoint, { managed }: OwnedMachine, before: Predecessor | undefined): Promise<MetricsEndpoint> {
    try {
      return await metrics.open(managed, this.#about(), before?.listeners);
    } catch (error) {
      if (!this.#bears(before, error)) throw error;
      return metrics;
    }
  }

  /** Whether a mistake only gets a message: nobody else has the devices by now, and VMs need them more than people need a monitor. */
  #bears(before: Predecessor | undefined, mistake: unknown): boolean {
    if (before === undefined || !(mistake instanceof SetupError)) return false;
    this.#log.error(`${mistake.message}; the devices are served without it`);
    return true;
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

  async #abandon(machine: OwnedMachine, monitors: readonly { close(): Promise<void> | void }[]): Promise<number> {
    await machine.abandon();
    this.#removeRecordFolder();
    for (const monitor of monitors) await monitor.close();
    return EXIT_STATUS.ok;
  }

  /** A monitor on the terminal has stdout for itself. */
  #announce(devices: readonly AddedDevice[], metrics: string | undefined): void {
    const { program, plan, log } = this.#parts;
    const lines = [...(program.announce?.(devices) ?? []), ...(metrics === undefined ? [] : [`${program.name}: metrics at ${metrics}`]), `${program.name}: ready`];
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

/** Somebody who is just taking over is waited for: who has it all by then. */
async function takenMeanwhile(away: GiveAway | undefined): Promise<number | undefined> {
  const outcome = await away?.settled();
  return outcome?.outcome === 'given' ? outcome.to : undefined;
}
