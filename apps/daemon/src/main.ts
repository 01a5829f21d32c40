#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { explainError, explainEvent, Machine, type Device } from '@vpmem/machine';
import { describeProperties, type ParsedOption, type PropertySchema } from '@vpmem/options';
import { quoteForShell, vfioUserDevice } from '@vpmem/qemu';
import { parseMachineOption, PROPERTIES, readArguments, UsageError, type Arguments, type MachineOption } from './arguments.ts';
import { StopSignal } from './stop-signal.ts';

const USAGE = `usage: vpmemd -object BACKEND -device virtio-pmem-pci,memdev=ID[,…] …

Serves each -device, on the memory of its -object, to a virtual machine.

  -object memory-backend-file,id=ID,mem-path=FILE,size=SIZE,share=on
  -device virtio-pmem-pci,memdev=ID[,id=ID][,socket=PATH][,vectors=N]
  -object help, -object TYPE,help       what objects and properties there are
  -device help, -device TYPE,help       the same for devices
  -version, -help

Prints one line per device to paste into a QEMU (10.1 or newer) command line, then 'vpmemd: ready'.
The VM's RAM has to be shareable:
  -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram
SIGTERM or SIGINT: makes everything durable, removes the sockets, exits.
`;

const say = (text: string): unknown => process.stdout.write(`${text}\n`);
const complain = (text: string): unknown => process.stderr.write(`vpmemd: ${text}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const request = readArguments(args);
    switch (request.action) {
      case 'serve':
        return await serve(request);
      case 'help':
        process.stdout.write(USAGE);
        return 0;
      case 'version':
        say(`vpmemd ${version()}`);
        return 0;
      case 'describe':
        return describe(request.option, request.type);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 1;
  }
}

/** Serves until a signal comes; the exit status. */
async function serve({ objects, devices }: Arguments & { action: 'serve' }): Promise<number> {
  const parsed: [MachineOption, ParsedOption][] = [];
  for (const option of [...objects, ...devices]) {
    const result = attempt(option, () => parseMachineOption(option));
    if (result === undefined) return 1;
    if (result.help) return describe(option.option, typeName(result));
    parsed.push([option, result]);
  }
  if (devices.length === 0) throw new UsageError('there is no -device, so nothing to serve; vpmemd -help shows how');

  const machine = new Machine({
    warning: (text) => complain(`warning: ${text}`),
    failed: (error) => {
      complain(`internal error: ${error.stack ?? error.message}`);
      process.exit(70);
    },
  });
  machine.onEvent((event) => {
    const { severity, text } = explainEvent(event);
    complain(severity === 'info' ? text : `${severity}: ${text}`);
  });
  const stop = new StopSignal();
  const served: Device[] = [];
  for (const [option, properties] of parsed) {
    for (const { message } of properties.warnings) complain(`warning: ${option.option} ${option.text}: ${message}`);
    try {
      if (option.option === '-object') await machine.addObject(properties);
      else served.push(await machine.addDevice(properties));
    } catch (error) {
      await machine.abandon();
      const explanation = explainError(error);
      if (explanation === undefined) throw error;
      complain(`${option.option} ${option.text}: ${explanation}`);
      return 1;
    }
  }
  if (stop.asked) {
    await machine.abandon();
    return 0;
  }
  for (const device of served) say(`-device ${quoteForShell([vfioUserDevice(device)])}`);
  say('vpmemd: ready');
  await stop.came;
  await machine.close();
  return 0;
}

/** The result, or undefined after telling the user what is wrong with `option`. */
function attempt<T>({ option, text }: MachineOption, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const explanation = explainError(error);
    if (explanation === undefined) throw error;
    complain(`${option} ${text}: ${explanation}`);
    return undefined;
  }
}

function typeName({ properties }: ParsedOption): string | undefined {
  const name = properties['qom-type'] ?? properties.driver;
  return typeof name === 'string' ? name : undefined;
}

/** `-object help`, `-device TYPE,help`: on stdout, in QEMU's layout. */
function describe(option: '-object' | '-device', type: string | undefined): number {
  const schemas: Readonly<Record<string, PropertySchema>> = PROPERTIES[option];
  const schema = type === undefined ? undefined : schemas[type];
  if (type !== undefined && schema === undefined) {
    complain(`${option} ${type},help: there is no '${type}'; there is ${Object.keys(schemas).join(', ')}`);
    return 1;
  }
  say(schema === undefined ? `types for ${option}:` : `${type ?? ''} options:`);
  for (const line of schema === undefined ? Object.keys(schemas).map((name) => `  ${name}`) : describeProperties(schema)) say(line);
  return 0;
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return number;
}
