import { MachineError } from '@vpmem/machine';
import { defineProperties, OptionError, parseOption, property, readProperties, type Properties, type OptionValue } from '@vpmem/options';
import { checkMemory, inOption, readMemoryOptions, withoutAbsent, type MemorySettings, type MemoryWishes } from './memory-options.ts';

const NO_FIRMWARE = 'there is no firmware and no kernel to load: the guest is part of this program';
const NO_SUCH_HARDWARE = 'the machine has no such hardware';
const ONE_PROCESSOR = 'the guest is part of this program and has one processor';
const FIXED_LAYOUT = "RAM is split where QEMU splits it by default";
const OWN_RAM = "the guest's RAM is memory of this process";
const IGNORED = 'accepted; the guest does not look at it';

const ignoredBool = property.bool({ description: IGNORED });
const ignoredAuto = property.oneOf(['auto', 'on', 'off'], { description: IGNORED });

/** `-machine` of a machine with an embedded guest: properties of QEMU 11.1. */
export const machineProperties = defineProperties({
  type: property.string({ default: 'pc', description: 'pc or q35, also with a version' }),
  nvdimm: property.bool({ default: false, description: 'there may be nvdimm devices' }),
  'nvdimm-persistence': property.oneOf(['cpu', 'mem-ctrl'], { description: 'what of an nvdimm survives a power cut' }),
  acpi: property.oneOf(['auto', 'on'], { description: 'accepted; hot plug needs it, so it cannot be off' }),
  accel: property.string({ description: 'accepted; the guest runs in this process' }),
  'kernel-irqchip': property.string({ description: IGNORED }),
  'dump-guest-core': ignoredBool,
  'fd-bootchk': ignoredBool,
  graphics: ignoredBool,
  hpet: ignoredBool,
  i8042: ignoredBool,
  'mem-merge': ignoredBool,
  pic: ignoredAuto,
  pit: ignoredAuto,
  sata: ignoredBool,
  smbus: ignoredBool,
  smm: ignoredAuto,
  spcr: ignoredBool,
  'suppress-vmdesc': ignoredBool,
  usb: ignoredBool,
  vmport: ignoredAuto,
  wdat: ignoredBool,
  append: property.refused(NO_FIRMWARE),
  'aux-ram-share': property.refused(OWN_RAM),
  boot: property.refused(NO_FIRMWARE),
  'bus-lock-ratelimit': property.refused(ONE_PROCESSOR),
  'confidential-guest-support': property.refused(OWN_RAM),
  cxl: property.refused(NO_SUCH_HARDWARE),
  'cxl-fmw': property.refused(NO_SUCH_HARDWARE),
  'default-bus-bypass-iommu': property.refused(NO_SUCH_HARDWARE),
  'dt-compatible': property.refused(NO_FIRMWARE),
  dtb: property.refused(NO_FIRMWARE),
  dumpdtb: property.refused(NO_FIRMWARE),
  firmware: property.refused(NO_FIRMWARE),
  hmat: property.refused('there is one NUMA node'),
  initrd: property.refused(NO_FIRMWARE),
  kernel: property.refused(NO_FIRMWARE),
  'max-fw-size': property.refused(NO_FIRMWARE),
  'max-ram-below-4g': property.refused(FIXED_LAYOUT),
  'memory-backend': property.refused(OWN_RAM),
  'memory-encryption': property.refused(OWN_RAM),
  'pcspk-audiodev': property.refused(NO_SUCH_HARDWARE),
  'sgx-epc': property.refused(NO_SUCH_HARDWARE),
  shim: property.refused(NO_FIRMWARE),
  'smbios-entry-point-type': property.refused(NO_FIRMWARE),
  smp: property.refused(ONE_PROCESSOR),
  'smp-cache': property.refused(ONE_PROCESSOR),
});

const memoryMembers = defineProperties({
  'memory.size': property.size({ description: 'RAM at start' }),
  'memory.max-size': property.size({ description: 'RAM and memory devices together' }),
  'memory.slots': property.int({ description: 'modules there may be' }),
});

/** Versions of the two machines that QEMU 11.1 has; of what is modelled here they have the same. */
const VERSIONS = ['11.1', '11.0', '10.2', '10.1', '10.0', '9.2', '9.1', '9.0', '8.2', '8.1', '8.0', '7.2', '7.1', '7.0', '6.2', '6.1', '6.0', '5.2'];

/** A chipset, the part of `-machine` before its version. */
export type MachineFamily = 'pc' | 'q35';

/** A machine as its options describe it. */
export interface MachineSettings {
  readonly family: MachineFamily;
  /** With its version: `pc-i440fx-11.1`. */
  readonly type: string;
  readonly nvdimm: boolean;
  readonly nvdimmPersistence: 'cpu' | 'mem-ctrl' | undefined;
  readonly memory: MemorySettings;
}

/** What all `-machine` and all `-m` say together; of a repeated property the last counts, and `-m` over `-machine memory.*`. @throws OptionError, MachineError */
export function readMachine(machine: readonly string[], memory: readonly string[]): MachineSettings {
  const merged = machine.map((text) => inOption(`-machine ${text}`, () => parseMachine(text))).reduce(merge, {});
  const { memory: members, ...properties } = merged;
  const values = inOption('-machine', () => readProperties(machineProperties, { form: 'text', properties }));
  const wishes = { ...inOption('-machine', () => readMembers(members)), ...readMemoryOptions(memory) };
  return {
    ...machineType(values.type),
    nvdimm: values.nvdimm,
    nvdimmPersistence: values['nvdimm-persistence'],
    memory: checkMemory(wishes),
  };
}

function parseMachine(text: string): Properties {
  if (text.startsWith('{')) throw new OptionError('invalid-key', `-machine has no JSON form`, { hint: 'Write -machine q35,nvdimm=on.' });
  const { properties } = parseOption(text, { grammar: 'keyval', impliedKey: 'type' });
  const named: Record<string, OptionValue> = {};
  for (const [name, value] of Object.entries(properties)) {
    const dashed = name.replaceAll('_', '-');
    if (dashed in named) throw new OptionError('inconsistent-keys', `'${name}' and '${dashed}' are the same parameter; give it once`, { parameter: name });
    named[dashed] = value;
  }
  return named;
}

function merge(all: Properties, one: Properties): Properties {
  const merged: Record<string, OptionValue> = { ...all };
  for (const [name, value] of Object.entries(one)) {
    const before = merged[name];
    merged[name] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

function readMembers(memory: OptionValue | undefined): MemoryWishes {
  if (memory === undefined) return {};
  if (!isObject(memory)) throw new OptionError('wrong-type', "Parameter 'memory' has members", { parameter: 'memory', hint: 'Write memory.size=1G,memory.max-size=4G, or -m 1G,maxmem=4G.' });
  const properties = Object.fromEntries(Object.entries(memory).map(([name, value]) => [`memory.${name}`, value]));
  const values = readProperties(memoryMembers, { form: 'text', properties });
  return withoutAbsent({ size: values['memory.size'], maxmem: values['memory.max-size'], slots: values['memory.slots'] });
}

function isObject(value: OptionValue | undefined): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function machineType(type: string): Pick<MachineSettings, 'family' | 'type'> {
  const newest = VERSIONS[0] ?? '';
  const [, chipset, version = newest] = /^pc(?:-(i440fx|q35)-(\d+\.\d+))?$/.exec(type === 'q35' ? `pc-q35-${newest}` : type) ?? [];
  if (chipset === undefined && type !== 'pc') throw unknownType(type);
  if (!VERSIONS.includes(version)) throw unknownType(type);
  return chipset === 'q35' ? { family: 'q35', type: `pc-q35-${version}` } : { family: 'pc', type: `pc-i440fx-${version}` };
}

function unknownType(type: string): MachineError {
  const oldest = VERSIONS.at(-1) ?? '';
  const range = `${oldest} to ${VERSIONS[0] ?? ''}`;
  return new MachineError('machine-option', 'type', `-machine: there is no machine '${type}' here, only pc and q35, also as pc-i440fx-V and pc-q35-V with QEMU's versions V from ${range}`);
}
