import { MachineError, readDevice } from '@vpmem/machine';
import { OptionError, type OptionValue, type Properties, type PropertySource } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { propertiesOf } from './item-properties.ts';

/** What a virtio-pmem-pci is in QEMU, and the virtio device in it: `-global` of any of them is about it. */
const OUR_TYPES = ['virtio-pmem-pci', 'virtio-pmem-pci-base', 'virtio-md-pci', 'virtio-pci', 'virtio-pmem', 'virtio-device'];

/** A property that all devices of a type have unless they say otherwise themselves. */
export interface GlobalProperty {
  readonly name: string;
  readonly value: string;
  /** The option's argument as it was typed. */
  readonly text: string;
}

/** The `-global` options that are about virtio-pmem devices. They are about others too, so they stay on the line. */
export function globalProperties(items: readonly CommandLineItem[]): GlobalProperty[] {
  return items.flatMap(({ option, argument: text = '' }) => {
    const { driver, property, value } = option === 'global' ? readGlobal(text) : {};
    if (typeof driver !== 'string' || !OUR_TYPES.includes(driver)) return [];
    return typeof property === 'string' && typeof value === 'string' ? [{ name: property, value, text }] : [];
  });
}

/** `DRIVER.PROPERTY=VALUE`, where a comma is a comma, or `driver=…,property=…,value=…`. */
function readGlobal(text: string): Properties {
  const short = /^(?<driver>[^.=]{1,63})\.(?<property>[^=]{1,63})=(?<value>.*)$/s.exec(text)?.groups;
  return short === undefined ? propertiesOf(text, 'qemuopts', '') : { ...short };
}

/**
 * A device with what is said of all of them; what it says itself counts more.
 *
 * @throws OptionError that names the option, if the device does not take the property
 */
export function withGlobals(source: PropertySource, globals: readonly GlobalProperty[]): PropertySource {
  if (globals.length === 0) return source;
  for (const { name, value, text } of globals) checkGlobal(name, value, text);
  // JSON is strict about types, and these are text: judged as it is, it can go on as text.
  const { addr } = source.form === 'json' ? readDevice(source) : {};
  const common = Object.fromEntries(globals.map(({ name, value }) => [name, value]));
  const own = Object.entries(source.properties).map(([name, value]) => [name, source.form === 'json' ? asText(value) : value] as const);
  return { ...source, form: 'text', properties: { ...common, ...Object.fromEntries(own), ...(addr !== undefined && { addr }) } };
}

function checkGlobal(name: string, value: string, text: string): void {
  if (name === 'driver' || name === 'id') throw notTaken(name, text, `'${name}' is no property; give it to the device itself`);
  try {
    readDevice({ form: 'text', properties: { driver: 'virtio-pmem-pci', memdev: 'any', [name]: value } });
  } catch (error) {
    if (!(error instanceof OptionError || error instanceof MachineError)) throw error;
    throw notTaken(name, text, error.message);
  }
}

function notTaken(parameter: string, text: string, reason: string): OptionError {
  return new OptionError('refused-parameter', `-global ${text}: ${reason}`, { parameter });
}

function asText(value: OptionValue): OptionValue {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
}
