import { isDeepStrictEqual } from 'node:util';
import { resolve } from 'node:path';
import { PATH_PROPERTIES, readDevice, readObject, restoreSource } from '@vpmem/machine';
import type { OptionValue, PropertySource } from '@vpmem/options';

/** One object or device of a machine that runs, as whoever wants to take its place needs to know it. */
export interface RunningPart {
  readonly id: string;
  readonly named: boolean;
  readonly source: PropertySource;
  /** Whether it came with the command line, and not by a monitor. */
  readonly initial: boolean;
}

/** What runs. */
export interface RunningMachine {
  readonly objects: readonly RunningPart[];
  readonly devices: readonly RunningPart[];
  /** Ids of parts of the command line that were deleted since. */
  readonly gone: readonly string[];
}

/** What a command line asks for. */
export interface AskedMachine {
  readonly objects: readonly PropertySource[];
  readonly devices: readonly PropertySource[];
}

/**
 * What a command line says otherwise than what runs, in words; undefined if nothing. What came by a monitor need not stand in it, and
 * what was deleted since may. One without any object and device says nothing.
 *
 * @param folder where relative paths of what runs begin
 * @throws OptionError, MachineError for options that nobody could have
 */
export function contradiction(asked: AskedMachine, running: RunningMachine, folder: string): string | undefined {
  if (asked.objects.length === 0 && asked.devices.length === 0) return undefined;
  return (
    compare('object', asked.objects, running.objects, running.gone, folder, (source) => readObject(source).id) ??
    compare('device', asked.devices, running.devices, running.gone, folder, (source) => readDevice(source).id ?? deviceOf(source, running))
  );
}

/** A device without an id is the one without an id that has the same memory. */
function deviceOf(source: PropertySource, { devices }: RunningMachine): string | undefined {
  const { memdev } = readDevice(source);
  return devices.find((each) => !each.named && readDevice(restoreSource(each.source)).memdev === memdev)?.id;
}

function compare(kind: string, asked: readonly PropertySource[], running: readonly RunningPart[], gone: readonly string[], folder: string, idOf: (source: PropertySource) => string | undefined): string | undefined {
  const named = new Set<string>();
  for (const source of asked) {
    const id = idOf(source);
    if (id === undefined) return `a ${kind} without an id is not in what runs; leave it out, and add it with ${kind}_add afterwards`;
    named.add(id);
    const there = running.find((each) => each.id === id);
    if (there === undefined) {
      if (gone.includes(id)) continue;
      return `${kind} '${id}' is not in what runs; leave it out, and add it with ${kind}_add afterwards`;
    }
    const difference = differenceOf(source.properties, restoreSource(there.source).properties, folder);
    if (difference !== undefined) return `${kind} '${id}' has ${difference}; say the same, or leave all objects and devices out`;
  }
  const missing = running.find(({ id, initial }) => initial && !named.has(id));
  return missing === undefined ? undefined : `${kind} '${missing.id}' is in what runs, and not in these options; say the same, or leave all objects and devices out`;
}

function differenceOf(asked: PropertySource['properties'], running: PropertySource['properties'], folder: string): string | undefined {
  for (const name of new Set([...Object.keys(asked), ...Object.keys(running)])) {
    const [here, there] = [asked[name], running[name]];
    if (!sameValue(name, here, there, folder)) return `${name}=${show(there)} in what runs, and ${name}=${show(here)} here`;
  }
  return undefined;
}

function sameValue(name: string, here: OptionValue | undefined, there: OptionValue | undefined, folder: string): boolean {
  if (PATH_PROPERTIES.has(name) && typeof here === 'string' && typeof there === 'string') return resolve(here) === resolve(folder, there);
  return isDeepStrictEqual(here, there) || show(here) === show(there);
}

function show(value: OptionValue | undefined): string {
  if (value === undefined) return '(nothing)';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
