import type { ManagedMachine } from '@vpmem/machine';
import { parseSize, type Property, type PropertySchema } from '@vpmem/options';
import { QmpError, type Arguments, type Returned } from '@vpmem/qmp';

/** Types that others are made from, and what each is made from, as in QEMU. */
const PARENTS: Readonly<Record<string, string>> = {
  container: 'object',
  'memory-backend': 'object',
  'memory-backend-file': 'memory-backend',
  'memory-backend-memfd': 'memory-backend',
  'memory-backend-ram': 'memory-backend',
  device: 'object',
  'pc-dimm': 'device',
  nvdimm: 'pc-dimm',
  'pci-device': 'device',
  'pci-bridge': 'pci-device',
  'pcie-port': 'pci-bridge',
  'pcie-slot': 'pcie-port',
  'pcie-root-port-base': 'pcie-slot',
  'pcie-root-port': 'pcie-root-port-base',
  'virtio-pci': 'pci-device',
  'virtio-md-pci': 'virtio-pci',
  'virtio-pmem-pci-base': 'virtio-md-pci',
  'virtio-pmem-pci': 'virtio-pmem-pci-base',
};

/** Those that nothing can be: `pc-dimm` can in QEMU only. */
const ABSTRACT = new Set(['object', 'memory-backend', 'device', 'pc-dimm', 'pci-device', 'pci-bridge', 'pcie-port', 'pcie-slot', 'pcie-root-port-base', 'virtio-pci', 'virtio-md-pci', 'virtio-pmem-pci-base']);

/** `qom-list-types`: the types that can be made, and with `abstract` those they are made from. */
export function listTypes(machine: ManagedMachine, args: Arguments<'qom-list-types'>): Returned<'qom-list-types'> {
  const { implements: base = 'object', abstract = false } = args;
  const made = [...Object.keys(machine.objectTypes), ...Object.keys(machine.deviceTypes)];
  const all = new Set(made.flatMap(ancestry));
  return [...all]
    .filter((name) => (abstract || !ABSTRACT.has(name)) && ancestry(name).includes(base))
    .map((name) => {
      const parent = PARENTS[name];
      return { name, ...(ABSTRACT.has(name) && { abstract: true }), ...(parent !== undefined && { parent }) };
    });
}

/** The type and all it is made from, `object` last. */
function ancestry(name: string): string[] {
  const parent = PARENTS[name];
  return parent === undefined ? [name] : [name, ...ancestry(parent)];
}

/** `device-list-properties`. @throws QmpError */
export function listDeviceProperties(machine: ManagedMachine, typename: string): Returned<'device-list-properties'> {
  const schema = Object.hasOwn(machine.deviceTypes, typename) ? machine.deviceTypes[typename] : undefined;
  if (schema !== undefined) return describe(schema);
  if (Object.hasOwn(machine.objectTypes, typename) || ABSTRACT.has(typename)) {
    throw new QmpError('GenericError', "Parameter 'typename' expects a non-abstract device type");
  }
  throw new QmpError('DeviceNotFound', `Device '${typename}' not found`);
}

function describe(schema: PropertySchema): Returned<'device-list-properties'> {
  return Object.entries(schema).flatMap(([name, property]) => {
    // `driver` is the type itself, and `id` is device_add's own.
    if (property.kind !== 'value' || name === 'driver' || name === 'id') return [];
    const { type, description } = property;
    const fallback = defaultValue(property);
    return {
      name,
      type: TYPE_NAMES[type] ?? type,
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { 'default-value': fallback }),
    };
  });
}

/** QEMU's names of types. */
const TYPE_NAMES: Readonly<Record<string, string>> = { string: 'str', int: 'int64' };

function defaultValue({ type, default: shown }: Property<unknown>): string | number | boolean | undefined {
  if (shown === undefined) return undefined;
  if (type === 'bool') return shown === 'on';
  if (type === 'size') return parseSize(shown, { parameter: 'default-value' });
  return /^-?\d+$/.test(shown) && type !== 'string' ? Number(shown) : shown;
}
