import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainEvent, type ManagedMachine } from '@vpmem/machine';
// What was loaded by then is not looked for anew when the first client comes.
import '@vpmem/monitor/commands';
import { Monitors, terminalMonitor, type About, type MonitorPlan } from '@vpmem/monitor';
import { nameThread } from '@vpmem/native/thread-name';
import { checkAddressBits, holdSignals, QemuConnection, QemuMachine, substitute, unplugPolicy, withUnplug, type ChildExit, type SubstituteOptions, type Substitution, type UnplugChoice, type UnplugPolicy } from '@vpmem/qemu';
import { NO_TAKEN, QemuMonitors, takeMonitors, type TakenMonitors } from '@vpmem/qemu-monitors';
import { Machine, type Device } from '@vpmem/served-machine';
import { anchorMetrics, anchorPlan, describeInternalError, MetricsEndpoint, PrivateMonitor, type Background, type MetricsSetting } from '@vpmem/service';
import { namedAsync } from '../option-problem.ts';
import { complain, keepIn, showHelp, warned } from './qemu-line.ts';
import { recordLine } from './qemu-recordings.ts';
import { anchored, inBackground, onTerminal } from './qemu-runner.ts';

/** How it ended: as QEMU did, unless QEMU had no power any more. */
export type Ending = ChildExit | 'power-cut';

/** What `vpmem qemu` was told, read. */
export interface RunOptions {
  readonly qemu: string;
  /** Its version, or why it cannot be had: whatever is wrong with the command line is told first. */
  readonly qemuVersion: Promise<string>;
  readonly plan: MonitorPlan;
  readonly hotPlug: SubstituteOptions['hotPlug'];
  readonly unplug: UnplugChoice;
  /** Where the recordings of all devices of the line go. */
  readonly record: string | undefined;
  readonly metrics: MetricsSetting | undefined;
  /** Of this program. */
  readonly version: string;
  /** Those that whoever started this program has passed. */
  readonly descriptors: readonly number[];
  readonly background: Background | undefined;
  readonly pidFile: string | undefined;
}

/** Serves the devices of a QEMU command line, and runs QEMU with them. @throws what `explain` explains */
export async function serveAndRun(words: readonly string[], options: RunOptions): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
  try {
    return await serveAndRunIn(folder, words, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serveAndRunIn(folder: string, words: readonly string[], { plan: asked, hotPlug, qemu, qemuVersion, unplug: choice, record, metrics: asksMetrics, version, descriptors, background, pidFile }: RunOptions): Promise<Ending> {
  nameThread('vpmem qemu');
  let above = (write: () => void): void => write();
  const tell = (text: string): void => above(() => complain(text));
  // Whoever talks to QEMU talks to us, so that there is one machine.
  let taken: TakenMonitors = NO_TAKEN;
  const plain = warned(substitute(words, { hotPlug, takeMonitors: (items) => (taken = takeMonitors(items, folder)) }));
  if (plain.help !== undefined) return { code: showHelp(plain.help), signal: null };
  const recorded = recordLine(plain, record, tell);
  const [substitution, plan] = background !== undefined ? [anchored(recorded.substitution), anchorPlan(asked)] : [recorded.substitution, asked];
  const metrics = await MetricsEndpoint.prepare(asksMetrics && background !== undefined ? anchorMetrics(asksMetrics) : asksMetrics);
  const has = await qemuVersion;
  const unplug = unplugPolicy(choice, has);
  const run = background === undefined ? onTerminal(qemu, has) : inBackground(qemu, { background, pidFile });
  const failed = (error: unknown): void => tell(describeInternalError(error));
  const { name, ramProblem, globals, dmaRoom, otherBackends: backends } = substitution;
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
  const abandon = (): Promise<void> => machine.abandon().then(() => recorded.removeFolder());
  let end = abandon;
  try {
    recorded.makeFolder();
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
      const qemuMachine = new QemuMachine(machine, connection, { name, ramProblem, globals, backends, unplug, dmaRoom, pid: () => pid, warn: (text) => about.warn(text), failed });
      whole = qemuMachine;
      const ours = await Monitors.open(plan, whole, about);
      monitors.push(ours);
      ours.serveTerminal();
      const qemus = await QemuMonitors.open(taken, about);
      monitors.push(qemus);
      terminalTaken = terminalMonitor(plan) !== undefined || qemus.useTerminal;
      if (process.stderr.isTTY) above = (write) => ours.aboveTerminalLine(() => qemus.aboveTerminalLine(write));
      connection.greeted.then(() => qemus.attach({ machine: qemuMachine, version: has }), () => undefined);
    }
    if (metrics !== undefined) {
      monitors.push(await metrics.open(whole, about));
      tell(`metrics at ${metrics.location ?? ''}`);
    }
    const own = await PrivateMonitor.open(whole, about, metrics?.entry);
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
    if (ending.code === 1 && served.length > 0 && !seen.device) end = abandon;
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
