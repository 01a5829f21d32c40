import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
} from '@vpmem/machine';
import { checkQemu, holdSignals, QemuError, quoteForShell, runQemu, substitute, type ChildExit, type Substitution } from '@vpmem/qemu';

const complain = (text: string): unknown => process.stderr.write(`vpmem: ${text}\n`);

/** Something is wrong with one option of the QEMU command line. */
class OptionProblem extends Error {}

/** `vpmem qemu`: the exit status. */
export async function runWithQemu(args: readonly string[], options: { qemu: string; print: boolean }): Promise<number> {
  try {
    const substitution = substitute(args);
    for (const [option, given] of [['-object', substitution.objects], ['-device', substitution.devices]] as const) {
      for (const { parsed, text } of given) for (const { message } of parsed.warnings) complain(`warning: ${option} ${text}: ${message}`);
    }
    if (options.print) return print(substitution, options.qemu);
    await checkQemu(options.qemu);
    return exitStatus(await serveAndRun(substitution, options.qemu));
  } catch (error) {
    const explanation = error instanceof QemuError || error instanceof OptionProblem ? error.message : explainError(error);
    if (explanation === undefined) throw error;
    complain(explanation);
    return 1;
  }
}

/** Shows the command, and on stderr the one that serves its devices. */
function print(substitution: Substitution, qemu: string): number {
  for (const { parsed, text } of substitution.objects) named('-object', text, () => readObject(parsed));
  const served = substitution.devices.map(({ parsed, text }) => {
    const device = named('-device', text, () => readDevice(parsed));
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
  process.stdout.write(`${quoteForShell([qemu, ...substitution.args(served)])}\n`);
  return 0;
}

async function serveAndRun(substitution: Substitution, qemu: string): Promise<ChildExit> {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
  const machine = new Machine(
    {
      warning: (text) => complain(`warning: ${text}`),
      failed: (error) => complain(`internal error, the devices are gone: ${error.stack ?? error.message}`),
    },
    { socketFolder },
  );
  machine.onEvent((event) => {
    const { severity, text } = explainEvent(event);
    if (severity !== 'info') complain(`${severity}: ${text}`);
  });
  const releaseSignals = holdSignals();
  try {
    const served = await serve(machine, substitution);
    const signal = releaseSignals();
    if (signal !== undefined) {
      await machine.abandon();
      return { code: null, signal };
    }
    try {
      return await runQemu(qemu, substitution.args(served));
    } finally {
      await machine.close();
    }
  } finally {
    releaseSignals();
    rmSync(socketFolder, { recursive: true, force: true });
  }
}

async function serve(machine: Machine, { objects, devices }: Substitution): Promise<Device[]> {
  try {
    for (const { parsed, text } of objects) await namedAsync('-object', text, () => machine.addObject(parsed));
    const served = [];
    for (const { parsed, text } of devices) served.push(await namedAsync('-device', text, () => machine.addDevice(parsed)));
    return served;
  } catch (error) {
    await machine.abandon();
    throw error;
  }
}

/** Runs `action`; what the user got wrong in it is told together with the option. */
function named<T>(option: string, text: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw namedProblem(option, text, error);
  }
}

async function namedAsync<T>(option: string, text: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw namedProblem(option, text, error);
  }
}

function namedProblem(option: string, text: string, error: unknown): unknown {
  const explanation = explainError(error);
  return explanation === undefined ? error : new OptionProblem(`${option} ${text}: ${explanation}`, { cause: error });
}

/** As if QEMU had been run itself: a signal that ended it ends this process too. */
function exitStatus({ code, signal }: ChildExit): number {
  if (signal !== null) process.kill(process.pid, signal);
  return code ?? 1;
}
