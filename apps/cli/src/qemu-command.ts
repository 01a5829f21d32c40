import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defaultSocketFolder,
  deviceId,
  explainError,
  explainEvent,
  Machine,
  pciPlacement,
  readDevice,
  readObject,
  type Device,
  type ManagedMachine,
} from '@vpmem/machine';
import { MonitorError, Monitors, NO_MONITORS, planMonitors, terminalMonitor, type About, type MonitorPlan } from '@vpmem/monitor';
import { nameThread } from '@vpmem/native/thread-name';
import {
  checkAddressBits,
  checkQemu,
  holdSignals,
  parseRootPorts,
  parseUnplug,
  QemuConnection,
  QemuError,
  QemuMachine,
  quoteForShell,
  readBackground,
  substitute,
  unplugPolicy,
  usesTerminal,
  withUnplug,
  type KeepFile,
  type ChildExit,
  type SubstituteOptions,
  type Substitution,
  type UnplugPolicy,
} from '@vpmem/qemu';
import { NO_TAKEN, QemuMonitors, takeMonitors, type TakenMonitors } from '@vpmem/qemu-monitors';
import { anchorPlan, Background, describeInternalError, PrivateMonitor, startInBackground } from '@vpmem/service';
import { noteDescriptors, passedDescriptors } from './passed-descriptors.ts';
import { anchored, inBackground, onTerminal, type QemuRunner } from './qemu-runner.ts';

const complain = (text: string): unknown => process.stderr.write(`vpmem: ${text}\n`);

/** The exit status where QEMU was killed because the power of its machine was cut. */
const POWER_CUT_STATUS = 3;

/** How it ended: as QEMU did, unless QEMU had no power any more. */
type Ending = ChildExit | 'power-cut';

/** Something is wrong with one option of the QEMU command line. */
class OptionProblem extends Error {}

/** What `vpmem qemu` itself was told. */
export interface QemuCommandOptions {
  readonly qemu: string;
  readonly print: boolean;
  /** Arguments of `--monitor` and `--qmp`, as of QEMU's own. */
  readonly monitor: readonly string[];
  readonly qmp: readonly string[];
  /** `N[,pref64-reserve=SIZE]` */
  readonly rootPorts: string | undefined;
  /** `on`, `off` or `auto`: whether devices are plugged in so that they can be unplugged. */
  readonly unplug: string | undefined;
  /** Of this program. */
  readonly version: string;
}

/** `vpmem qemu`: the exit status. */
export async function runWithQemu(args: readonly string[], options: QemuCommandOptions): Promise<number> {
  const descriptors = passedDescriptors();
  const background = Background.ofThisProcess();
  try {
    const plan = planMonitors({ ...NO_MONITORS, monitor: options.monitor, qmp: options.qmp });
    const { rootPorts } = options;
    const choice = parseUnplug(options.unplug ?? 'auto');
    const ports = rootPorts === undefined ? undefined : named(`--root-ports ${rootPorts}`, () => parseRootPorts(rootPorts));
    const hotPlug = plan.monitors.length > 0 || ports !== undefined ? { rootPorts: ports } : undefined;
    if (terminalMonitor(plan) !== undefined && usesTerminal(args)) {
      throw new OptionProblem("a monitor on stdio and QEMU's command line both want the terminal; give the monitor unix:PATH,server=on,wait=off");
    }
    const { daemonize, pidFile } = readBackground(args);
    if (daemonize && (terminalMonitor(plan) !== undefined || usesTerminal(args))) {
      throw new OptionProblem('-daemonize: leaves the terminal, which a monitor or a character device is on; give it unix:PATH,server=on,wait=off');
    }
    if (options.print) return print(warned(substitute(args, { hotPlug })), options.qemu);
    if (daemonize && background === undefined) return await startInBackground({ descriptors, environment: noteDescriptors(descriptors) });
    const version = await checkQemu(options.qemu);
    const run = background === undefined ? onTerminal(options.qemu, version) : inBackground(options.qemu, { background, pidFile });
    return exitStatus(await serveAndRun(args, { ...options, plan, hotPlug, qemuVersion: version, unplug: unplugPolicy(choice, version), descriptors, run, inBackground: background !== undefined }));
  } catch (error) {
    const explanation = explain(error);
    if (explanation === undefined) throw error;
    complain(explanation);
    return 1;
  }
}

function explain(error: unknown): string | undefined {
  return error instanceof QemuError || error instanceof MonitorError || error instanceof OptionProblem ? error.message : explainError(error);
}

/** Tells of what is better written otherwise. */
function warned(substitution: Substitution): Substitution {
  for (const text of substitution.warnings) complain(`warning: ${text}`);
  for (const { parsed, label } of [...substitution.objects, ...substitution.devices]) {
    for (const { message } of parsed.warnings) complain(`warning: ${label}: ${message}`);
  }
  return substitution;
}

function showHelp(lines: readonly string[]): number {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

/** Shows the command, and on stderr the one that serves its devices. */
function print(substitution: Substitution, qemu: string): number {
  if (substitution.help !== undefined) return showHelp(substitution.help);
  for (const { parsed, label } of substitution.objects) named(label, () => readObject(parsed));
  const served = substitution.devices.map(({ parsed, label }) => {
    const device = named(label, () => readDevice(parsed));
    const id = deviceId(device);
    return { id, socketPath: device.socket ?? join(defaultSocketFolder(), `${id}.sock`), pci: pciPlacement(device) };
  });
  if (served.length > 0) {
    const words = [
      ...substitution.objects.flatMap(({ text }) => ['-object', text]),
      ...substitution.devices.flatMap(({ text }) => ['-device', text]),
    ];
    complain(`serve the devices first: vpmemd ${quoteForShell(words)}`);
  }
  // What is printed works as it is, so the files that it names stay.
  const keep: KeepFile = (name, text) => {
    const path = keepIn(mkdtempSync(join(tmpdir(), 'vpmem-qemu-')))(name, text);
    complain(`'${path}' is the file of -readconfig without what vpmem serves; remove it when it is not needed any more`);
    return path;
  };
  process.stdout.write(`${quoteForShell([qemu, ...substitution.args(served, keep)])}\n`);
  return 0;
}

/** Keeps files in a folder; several may have the same name. */
function keepIn(folder: string): KeepFile {
  return (name, text) => {
    const path = join(mkdtempSync(join(folder, 'config-')), name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
}

interface RunOptions extends Omit<QemuCommandOptions, 'unplug'> {
  readonly plan: MonitorPlan;
  readonly hotPlug: SubstituteOptions['hotPlug'];
  readonly qemuVersion: string;
  readonly unplug: UnplugPolicy;
  /** Those that whoever started this program has passed. */
  readonly descriptors: readonly number[];
  readonly run: QemuRunner;
  readonly inBackground: boolean;
}

async function serveAndRun(words: readonly string[], options: RunOptions): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
  try {
    return await serveAndRunIn(folder, words, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serveAndRunIn(folder: string, words: readonly string[], { plan: asked, hotPlug, qemu, qemuVersion, unplug, version, descriptors, run, inBackground }: RunOptions): Promise<Ending> {
  nameThread('vpmem qemu');
  let above = (write: () => void): void => write();
  const tell = (text: string): void => above(() => complain(text));
  // Whoever talks to QEMU talks to us, so that there is one machine.
  let taken: TakenMonitors = NO_TAKEN;
  const plain = warned(substitute(words, { hotPlug, takeMonitors: (items) => (taken = takeMonitors(items, folder)) }));
  if (plain.help !== undefined) return { code: showHelp(plain.help), signal: null };
  const [substitution, plan] = inBackground ? [anchored(plain), anchorPlan(asked)] : [plain, asked];
  const failed = (error: unknown): void => tell(describeInternalError(error));
  const { name, ramProblem, globals, dmaRoom } = substitution;
  const machine = new Machine({ warning: (text) => tell(`warning: ${text}`), failed }, { socketFolder: folder, ...(name !== undefined && { name }) });
  const seen = { device: false };
  machine.onEvent((event) => {
    seen.device ||= event.name === 'PMEM_CLIENT_CONNECTED';
    const { severity, text } = explainEvent(event);
    if (severity !== 'info') tell(`${severity}: ${text}`);
    else if (event.name === 'PMEM_POWER_CUT') tell(text);
  });
  const stop = new AbortController();
  const releaseSignals = holdSignals(() => stop.abort());
  let connection: QemuConnection | undefined;
  let terminalTaken = false;
  const monitors: { close(): Promise<void> }[] = [];
  // Until there is a VM, what was made for it goes again.
  let end = (): Promise<void> => machine.abandon();
  try {
    const served = await serve(machine, substitution, unplug);
    await checkAddressBits(qemu, substitution.args(served, keepIn(folder)), served);
    let pid: number | undefined;
    const about: About = {
      program: 'vpmem qemu',
      version,
      warn: (text) => tell(`warning: ${text}`),
      info: tell,
      internalError: failed,
      signal: stop.signal,
    };
    let whole: ManagedMachine = machine;
    if (plan.monitors.length + taken.monitors.length + served.length > 0) {
      connection = await QemuConnection.listen(folder);
      const qemuMachine = new QemuMachine(machine, connection, { name, ramProblem, globals, unplug, dmaRoom, pid: () => pid, warn: (text) => about.warn(text), failed });
      whole = qemuMachine;
      const ours = await Monitors.open(plan, whole, about);
      monitors.push(ours);
      ours.serveTerminal();
      const qemus = await QemuMonitors.open(taken, about);
      monitors.push(qemus);
      terminalTaken = terminalMonitor(plan) !== undefined || qemus.useTerminal;
      if (process.stderr.isTTY) above = (write) => ours.aboveTerminalLine(() => qemus.aboveTerminalLine(write));
      connection.greeted.then(() => qemus.attach({ machine: qemuMachine, version: qemuVersion }), () => undefined);
    }
    const own = await PrivateMonitor.open(whole, about);
    if (own !== undefined) monitors.push(own);
    stop.signal.throwIfAborted();
    releaseSignals();
    end = () => machine.close();
    // Ours first: behind an option that lacks its argument they would be that.
    const args = [...(connection?.args ?? []), ...substitution.args(served, keepIn(folder))];
    const started = (of: number): void => {
      pid = of;
      machine.bindVm(of).catch(failed);
    };
    const left = descriptors.filter((fd) => !taken.descriptors.has(fd));
    const ending = await run({ args, folder, descriptors: left, stdin: terminalTaken ? 'ignore' : 'inherit', started });
    // What QEMU has refused before it had a device leaves nothing.
    if (ending.code === 1 && served.length > 0 && !seen.device) end = () => machine.abandon();
    // Whoever asked for a cut hears what it cost.
    return (await machine.releaseVm()) ? 'power-cut' : ending;
  } catch (error) {
    const signal = releaseSignals();
    if (signal === undefined || error !== stop.signal.reason) throw error;
    return { code: null, signal };
  } finally {
    releaseSignals();
    for (const monitor of monitors) await monitor.close();
    connection?.close();
    await end();
  }
}

async function serve(machine: Machine, { objects, devices }: Substitution, unplug: UnplugPolicy): Promise<Device[]> {
  for (const { parsed, label } of objects) await namedAsync(label, () => machine.addObject(parsed));
  const served = [];
  for (const { parsed, label } of devices) served.push(await namedAsync(label, () => machine.addDevice(withUnplug(parsed, unplug))));
  return served;
}

/** Runs `action`; what the user got wrong in it is told together with the option, or the place in a file. */
function named<T>(label: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw namedProblem(label, error);
  }
}

async function namedAsync<T>(label: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw namedProblem(label, error);
  }
}

function namedProblem(label: string, error: unknown): unknown {
  const explanation = explain(error);
  return explanation === undefined ? error : new OptionProblem(`${label}: ${explanation}`, { cause: error });
}

/** As if QEMU had been run itself: a signal that ended it ends this process too. */
function exitStatus(ending: Ending): number {
  if (ending === 'power-cut') {
    complain('QEMU was killed: the power of its machine was cut, and of all devices with power-failure=on');
    return POWER_CUT_STATUS;
  }
  const { code, signal } = ending;
  if (signal !== null) process.kill(process.pid, signal);
  // What does not end this process, though it ended QEMU, is said as a shell does.
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
