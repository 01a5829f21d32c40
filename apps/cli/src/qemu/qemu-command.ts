import { constants } from 'node:os';
import { NO_MONITORS, planMonitors, terminalMonitor } from '@vpmem/monitor';
import { checkQemu, parseRootPorts, parseUnplug, readBackground, substitute, usesTerminal } from '@vpmem/qemu';
import { Background, readMetricsSetting, startInBackground } from '@vpmem/service';
import { explain, named, OptionProblem } from '../option-problem.ts';
import { noteDescriptors, passedDescriptors } from './passed-descriptors.ts';
import { complain, print, warned } from './qemu-line.ts';
import { serveAndRun, type Ending } from './qemu-run.ts';

/** The exit status where QEMU was killed because the power of its machine was cut. */
const POWER_CUT_STATUS = 3;

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
  /** Where the recordings of all devices of the line go. */
  readonly record: string | undefined;
  /** Where metrics are to be had. */
  readonly metrics: string | undefined;
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
    const metrics = options.metrics === undefined ? undefined : readMetricsSetting('--metrics', options.metrics);
    const choice = parseUnplug(options.unplug ?? 'auto');
    const ports = rootPorts === undefined ? undefined : named(`--root-ports ${rootPorts}`, () => parseRootPorts(rootPorts));
    const hotPlug = plan.monitors.length > 0 || ports !== undefined ? { rootPorts: ports } : undefined;
    if (terminalMonitor(plan) !== undefined && usesTerminal(args)) {
      throw new OptionProblem("a monitor on stdio and QEMU's command line both want the terminal; give the monitor unix:PATH,server=on,wait=off");
    }
    const { daemonize, pidFile } = readBackground(args);
    if (daemonize && terminalMonitor(plan) !== undefined) {
      throw new OptionProblem('-daemonize: leaves the terminal, which a monitor is on; give it unix:PATH,server=on,wait=off');
    }
    if (options.print) return print(warned(substitute(args, { hotPlug })), options);
    if (daemonize && background === undefined) return await startInBackground({ descriptors, environment: noteDescriptors(descriptors) });
    const qemuVersion = checkQemu(options.qemu);
    // Somebody waits for it only when all else is right.
    qemuVersion.catch(() => undefined);
    return exitStatus(await serveAndRun(args, { ...options, plan, hotPlug, qemuVersion, unplug: choice, metrics, descriptors, background, pidFile }));
  } catch (error) {
    const explanation = explain(error);
    if (explanation === undefined) throw error;
    complain(explanation);
    return 1;
  }
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
