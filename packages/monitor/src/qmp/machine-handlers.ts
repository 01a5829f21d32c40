import { explainError, ForeignError, MachineError, type ManagedMachine } from '@vpmem/machine';
import { QmpError, type ForeignCommands, type QmpHandlers, type Returned } from '@vpmem/qmp';
import type { HmpShell } from '../hmp/hmp-shell.ts';
import { getProperty, listProperties } from '../qom.ts';
import { changeRecording } from '../recording-change.ts';
import { memdevAnswer, memoryDeviceAnswer, memorySizeAnswer, pciAnswer, pmemAnswer, powerCutAnswer, recordingAnswer } from './qmp-answers.ts';
import { listDeviceProperties, listTypes } from './qom-types.ts';

/** QMP's commands on a machine. What goes wrong with one is a `QmpError`, defects of ours aside. */
export function machineHandlers(machine: ManagedMachine, shell: Pick<HmpShell, 'run'>): QmpHandlers {
  // A QEMU tells of its own itself.
  const theirs = async <N extends 'query-memdev' | 'query-memory-devices'>(command: N): Promise<Returned<N>> =>
    ((await machine.foreign?.execute(command, {})) ?? []) as Returned<N>;
  return explained({
    'query-status': async () => {
      // A QEMU has more states than a machine of ours.
      if (machine.foreign !== undefined) return (await machine.foreign.execute('query-status', {})) as Returned<'query-status'>;
      const status = await machine.runState();
      return { running: status === 'running', status };
    },
    'query-name': () => (machine.name === undefined ? {} : { name: machine.name }),
    quit: async () => done(machine.quit()),
    stop: async () => done(machine.stop()),
    cont: async () => done(machine.cont()),
    system_reset: async () => done(machine.reset()),
    'object-add': async (properties) => done(machine.addObject({ form: 'json', properties })),
    'object-del': async ({ id }) => done(machine.deleteObject(id)),
    device_add: async (properties) => {
      const { plug } = await machine.addDevice({ form: 'json', properties });
      return plug === undefined ? {} : { device: plug as NonNullable<Returned<'device_add'>['device']> };
    },
    device_del: async ({ id, wait = false }) => done(machine.deleteDevice(id, { wait })),
    'query-memory-devices': async () => [...(await theirs('query-memory-devices')), ...(await machine.memoryDevices()).map(memoryDeviceAnswer)],
    'query-memdev': async () => [...(await theirs('query-memdev')), ...machine.backends().map(memdevAnswer)],
    'query-memory-size-summary': async () => memorySizeAnswer(await machine.memorySize()),
    'query-pci': async () =>
      (await machine.pciBuses()).map(({ number, functions }) => ({ bus: number, devices: functions.map((each) => pciAnswer(number, each)) })),
    'qom-list': async ({ path }) => [...(await listProperties(machine, path))],
    'qom-get': async ({ path, property }) => (await getProperty(machine, path, property)) as Returned<'qom-get'>,
    'qom-list-types': (args) => listTypes(machine, args),
    'device-list-properties': ({ typename }) => listDeviceProperties(machine, typename),
    'human-monitor-command': async ({ 'command-line': line }) => (await shell.run(line)).replaceAll('\n', '\r\n'),
    'query-pmem': async () => (await machine.pmem()).map(pmemAnswer),
    'power-cut': async ({ id, 'at-flush': atFlush, ...request }) => powerCutAnswer(await machine.failures.powerCut(id, { ...request, atFlush })),
    'flush-limit': async ({ id, ...request }) => done(machine.failures.flushLimit(id, request)),
    'pmem-record': async ({ id, ...change }) => {
      const recording = await changeRecording(machine.recordings, id, change);
      return recording === undefined ? {} : { recording: recordingAnswer(recording) };
    },
    'pmem-mark': async ({ text, id }) => ({ recordings: await machine.recordings.mark(text, id) }),
    'flush-fault': async ({ id, 'at-flush': atFlush, ms: milliseconds, ...request }) => done(machine.failures.flushFault(id, { ...request, atFlush, milliseconds })),
  });
}

/** A VM's own monitor as QMP passes commands on to it; undefined where there is none. */
export function foreignCommands({ foreign }: ManagedMachine): ForeignCommands | undefined {
  if (foreign === undefined) return undefined;
  return {
    commands: () => foreign.commands(),
    execute: (command, args) => foreign.execute(command, args).catch((error: unknown) => Promise.reject(asQmpError(error))),
  };
}

async function done(change: Promise<void>): Promise<Record<string, never>> {
  await change;
  return {};
}

function explained(handlers: QmpHandlers): QmpHandlers {
  const entries = Object.entries(handlers) as [string, (args: never) => unknown][];
  return Object.fromEntries(entries.map(([name, handler]) => [name, async (args: never): Promise<unknown> => {
    try {
      return await handler(args);
    } catch (error) {
      throw asQmpError(error);
    }
  }])) as unknown as QmpHandlers;
}

/** What was asked for and cannot be had, in QMP's classes; anything else as it is. */
export function asQmpError(error: unknown): Error {
  if (error instanceof ForeignError) return new QmpError(error.errorClass, error.message);
  if (error instanceof MachineError && NOT_FOUND.has(error.code)) return new QmpError('DeviceNotFound', error.message);
  const known = explainError(error) !== undefined;
  // A hint is for people, who have the message in front of them; QEMU does not send it either.
  if (known) return new QmpError('GenericError', (error as Error).message);
  return error instanceof Error ? error : new Error(String(error));
}

const NOT_FOUND: ReadonlySet<string> = new Set(['device-missing', 'memdev-missing']);
