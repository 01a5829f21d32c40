import { z } from 'zod';
import { FlushFaultArguments, FlushLimitArguments, PowerCutAnswer, PowerCutArguments } from './failure-types.ts';
import { Memdev, MemoryDeviceInfo, MemoryInfo, NameInfo, StatusInfo } from './machine-types.ts';
import { PciInfo } from './pci-types.ts';
import { DeviceAdded, PmemInfo } from './pmem-types.ts';
import { any, bool, enumeration, int, int64, nothing, openStruct, str, struct } from './qapi-type.ts';
import { MarkAnswer, MarkArguments, RecordAnswer, RecordArguments } from './recording-types.ts';
import { SchemaInfo } from './schema-info.ts';

/** One command of the schema. */
export interface CommandDeclaration<A extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  /** For people: what it does, and what of it is not plain. */
  readonly doc: string;
  readonly arguments: A;
  readonly returns: R;
  /** Whether `exec-oob` may be used. */
  readonly allowOob?: boolean;
  /** Whether QEMU lacks the command. */
  readonly ours?: boolean;
}

function command<A extends z.ZodType, R extends z.ZodType>(declaration: CommandDeclaration<A, R>): CommandDeclaration<A, R> {
  return declaration;
}

const VersionTriple = struct('VersionTriple', 'A version in three numbers.', { major: int, minor: int, micro: int });
const VersionInfo = struct('VersionInfo', 'Which QEMU this is, or acts as.', {
  qemu: VersionTriple,
  package: str.describe('which program it is, if it is not a plain QEMU'),
});
const ObjectPropertyInfo = struct('ObjectPropertyInfo', 'A property of an object.', {
  name: str,
  type: str.describe('QOM name of its type; `child<…>` for an object below, `link<…>` for one elsewhere'),
  description: str.exactOptional(),
  'default-value': any.exactOptional(),
});
const ObjectTypeInfo = struct('ObjectTypeInfo', 'A type of the object tree.', {
  name: str,
  abstract: bool.exactOptional().describe('present, and true, if nothing can be made of it'),
  parent: str.exactOptional(),
});

/** Every command there is. Checks, types, `query-qmp-schema` and the reference page come from here. */
export const qmpCommands = {
  qmp_capabilities: command({
    doc: 'Ends the negotiation: has to come first, once.',
    arguments: struct('CapabilitiesArguments', 'What to switch on.', {
      enable: z.array(enumeration('QMPCapability', 'What a server may offer.', ['oob'])).exactOptional().describe('of what the greeting offers'),
    }),
    returns: nothing,
  }),
  'query-version': command({ doc: 'Which version this is.', arguments: nothing, returns: VersionInfo }),
  'query-commands': command({
    doc: 'Names of all commands.',
    arguments: nothing,
    returns: z.array(struct('CommandInfo', 'A command.', { name: str })),
  }),
  'query-qmp-schema': command({ doc: 'What commands, events and types look like, for programs.', arguments: nothing, returns: z.array(SchemaInfo) }),
  'query-status': command({ doc: 'Whether the guest runs.', arguments: nothing, returns: StatusInfo }),
  'query-name': command({ doc: 'What `-name` said.', arguments: nothing, returns: NameInfo }),
  quit: command({ doc: 'Ends the program in good order. The connection may end before the answer comes.', arguments: nothing, returns: nothing }),
  stop: command({ doc: "Stops the guest's processors. Event: STOP.", arguments: nothing, returns: nothing }),
  cont: command({ doc: "Lets the guest's processors go on. Event: RESUME.", arguments: nothing, returns: nothing }),
  system_reset: command({ doc: 'Resets the machine. Event: RESET.', arguments: nothing, returns: nothing }),
  'object-add': command({
    doc: 'Makes an object. Its properties stand beside `qom-type` and `id`.',
    arguments: openStruct('ObjectOptions', 'The object and its properties.', {
      'qom-type': str.describe('such as `memory-backend-file`'),
      id: str.describe('how it will be called; it is then at `/objects/ID`'),
    }),
    returns: nothing,
  }),
  'object-del': command({
    doc: 'Removes an object that nothing uses.',
    arguments: struct('ObjectDelArguments', 'Which object.', { id: str }),
    returns: nothing,
  }),
  device_add: command({
    doc: "Plugs in a device. Its properties stand beside `driver`, `id` and `bus`. Where the VM is somebody else's, the answer says what to give to the VM's own `device_add`.",
    arguments: openStruct('DeviceAddArguments', 'The device and its properties.', {
      driver: str.describe('such as `virtio-pmem-pci`'),
      bus: str.exactOptional().describe('the bus to plug it into'),
      id: str.exactOptional().describe('how it will be called; it is then at `/machine/peripheral/ID`'),
    }),
    returns: DeviceAdded,
  }),
  device_del: command({
    doc: 'Asks for a device to be unplugged, and answers at once. Its end is the event DEVICE_DELETED or DEVICE_UNPLUG_GUEST_ERROR.',
    arguments: struct('DeviceDelArguments', 'Which device.', {
      id: str.describe('its id or QOM path'),
      wait: bool.exactOptional().describe("whether a device that somebody else's VM has is to go when the VM lets go of it, instead of being refused; QEMU has no such argument"),
    }),
    returns: nothing,
  }),
  'query-memory-devices': command({ doc: 'Memory that is plugged in as a device, in the order of addresses.', arguments: nothing, returns: z.array(MemoryDeviceInfo) }),
  'query-memdev': command({ doc: 'Memory backends, in no particular order.', arguments: nothing, returns: z.array(Memdev) }),
  'query-memory-size-summary': command({ doc: 'How much memory the guest has.', arguments: nothing, returns: MemoryInfo }),
  'query-pci': command({ doc: 'PCI buses and what is on them.', arguments: nothing, returns: z.array(PciInfo) }),
  'qom-list': command({
    doc: 'Properties of an object, objects below it included.',
    arguments: struct('QomListArguments', 'Which object.', { path: str.describe('absolute, or so much of its end that it fits one object only') }),
    returns: z.array(ObjectPropertyInfo),
  }),
  'qom-get': command({
    doc: 'A property of an object.',
    arguments: struct('QomGetArguments', 'Which property.', { path: str.describe('as for `qom-list`'), property: str }),
    returns: any,
  }),
  'qom-list-types': command({
    doc: 'Types of the object tree.',
    arguments: struct('QomListTypesArguments', 'Which types.', {
      implements: str.exactOptional().describe('only types that are one of these'),
      abstract: bool.exactOptional().describe('whether to list abstract types too'),
    }),
    returns: z.array(ObjectTypeInfo),
  }),
  'device-list-properties': command({
    doc: 'Properties that `device_add` takes for a type of device.',
    arguments: struct('DeviceListPropertiesArguments', 'Which type.', { typename: str }),
    returns: z.array(ObjectPropertyInfo),
  }),
  'human-monitor-command': command({
    doc: 'Runs a command of the human monitor. Its errors are in the text.',
    arguments: struct('HumanMonitorArguments', 'The command.', {
      'command-line': str,
      'cpu-index': int64.exactOptional().describe('the processor that commands are about'),
    }),
    returns: str,
  }),
  'query-pmem': command({
    doc: 'How the virtio-pmem devices are doing.',
    arguments: nothing,
    returns: z.array(PmemInfo),
    allowOob: true,
    ours: true,
  }),
  'power-cut': command({
    doc: 'Takes the power from a virtio-pmem device: what was not flushed is gone, except for what `survivors` spares. A VM that has the device is disconnected, and the next one that connects finds what is left; the guest of `vpmem run` is switched off until `cont`. Event: PMEM_POWER_CUT.',
    arguments: PowerCutArguments,
    returns: PowerCutAnswer,
    ours: true,
  }),
  'flush-fault': command({
    doc: "Lets flushes of a virtio-pmem device go wrong. What was to go wrong before is taken back.",
    arguments: FlushFaultArguments,
    returns: nothing,
    ours: true,
  }),
  'flush-limit': command({
    doc: 'Limits how often the guest of a virtio-pmem device can make the host sync. Flushes that have to wait share the next sync. As many notifications may bring no flush at all; after one more its VM has to wait.',
    arguments: FlushLimitArguments,
    returns: nothing,
    ours: true,
  }),
  'pmem-record': command({
    doc: 'Begins to record what the guest of a virtio-pmem device makes durable, flush by flush, or ends that. Event: PMEM_RECORDING_INCOMPLETE.',
    arguments: RecordArguments,
    returns: RecordAnswer,
    ours: true,
  }),
  'pmem-mark': command({
    doc: 'Puts a mark into recordings: what was flushed before is before it. The answer comes when it is recorded. Where nothing is being recorded, that is an error.',
    arguments: MarkArguments,
    returns: MarkAnswer,
    ours: true,
  }),
} as const;

/** The commands of the schema, by name. */
export type QmpCommands = typeof qmpCommands;
/** The name of a command of the schema. */
export type CommandName = keyof QmpCommands;
/** What a command of the schema is given. */
export type Arguments<N extends CommandName> = z.infer<QmpCommands[N]['arguments']>;
/** What it answers. */
export type Returned<N extends CommandName> = z.infer<QmpCommands[N]['returns']>;

/** Whether the schema has a command of that name. */
export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(qmpCommands, name);
}
