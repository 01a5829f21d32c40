import { z } from 'zod';
import { bool, enumeration, int, int64, str, struct, typeInfo, uint64 } from './qapi-type.ts';

const RunState = enumeration('RunState', 'What a VM is doing.', [
  'debug', 'inmigrate', 'internal-error', 'io-error', 'paused', 'postmigrate', 'prelaunch', 'finish-migrate', 'restore-vm', 'running',
  'save-vm', 'shutdown', 'suspended', 'watchdog', 'guest-panicked', 'colo',
]);

export const StatusInfo = struct('StatusInfo', 'Whether the guest runs.', {
  running: bool.describe('whether its processors do'),
  status: RunState,
});

export const NameInfo = struct('NameInfo', 'The name given with `-name`.', {
  name: str.exactOptional().describe('absent if none was given'),
});

const PcDimmDeviceInfo = struct('PCDIMMDeviceInfo', 'A memory module.', {
  id: str.exactOptional(),
  addr: int64.describe('guest-physical address'),
  size: int64.describe('bytes, without labels'),
  slot: int,
  node: int,
  memdev: str.describe('QOM path of the backend'),
  hotplugged: bool,
  hotpluggable: bool,
});

const VirtioPmemDeviceInfo = struct('VirtioPMEMDeviceInfo', 'A virtio-pmem device.', {
  id: str.exactOptional(),
  memaddr: uint64.describe('guest-physical address; 0 while the guest has given none'),
  size: uint64.describe('bytes'),
  memdev: str.describe('QOM path of the backend'),
});

const VirtioMemDeviceInfo = struct('VirtioMEMDeviceInfo', 'A virtio-mem device. Only QEMU has those.', {
  id: str.exactOptional(),
  memaddr: uint64,
  'requested-size': uint64,
  size: uint64,
  'max-size': uint64,
  'block-size': uint64,
  node: int,
  memdev: str,
});

const SgxEpcDeviceInfo = struct('SgxEPCDeviceInfo', 'SGX enclave memory. Only QEMU has it.', {
  id: str.exactOptional(),
  memaddr: uint64,
  size: uint64,
  node: int,
  memdev: str,
});

const HvBalloonDeviceInfo = struct('HvBalloonDeviceInfo', 'A Hyper-V balloon. Only QEMU has it.', {
  id: str.exactOptional(),
  memaddr: uint64.exactOptional(),
  'max-size': uint64,
  memdev: str.exactOptional(),
});

const SpMemDeviceInfo = struct('SpMemDeviceInfo', 'Specific-purpose memory. Only QEMU has it.', {
  id: str.exactOptional(),
  addr: uint64,
  size: uint64,
  node: int,
  memdev: str,
});

function memoryDevice<T extends string, D extends z.ZodType>(type: T, data: D): z.ZodObject<{ type: z.ZodLiteral<T>; data: D }, z.core.$strict> {
  return z.strictObject({ type: z.literal(type), data });
}

export const MemoryDeviceInfo = z.discriminatedUnion('type', [
  memoryDevice('dimm', PcDimmDeviceInfo),
  memoryDevice('nvdimm', PcDimmDeviceInfo),
  memoryDevice('virtio-pmem', VirtioPmemDeviceInfo),
  memoryDevice('virtio-mem', VirtioMemDeviceInfo),
  memoryDevice('sgx-epc', SgxEpcDeviceInfo),
  memoryDevice('hv-balloon', HvBalloonDeviceInfo),
  memoryDevice('sp-mem', SpMemDeviceInfo),
]).register(typeInfo, { name: 'MemoryDeviceInfo', doc: 'Memory that is plugged in as a device.' });

export const Memdev = struct('Memdev', 'A memory backend.', {
  id: str.exactOptional(),
  size: uint64.describe('bytes'),
  merge: bool.describe('whether equal pages may be merged'),
  dump: bool.describe('whether it is in a core dump'),
  prealloc: bool.describe('whether its pages were allocated beforehand'),
  share: bool.describe('whether stores reach the file'),
  reserve: bool.exactOptional().describe('whether swap space is reserved for it'),
  'host-nodes': z.array(int).describe('NUMA nodes of the host'),
  policy: enumeration('HostMemPolicy', 'How memory is spread over NUMA nodes.', ['default', 'preferred', 'bind', 'interleave']),
});

export const MemoryInfo = struct('MemoryInfo', 'How much memory the guest has.', {
  'base-memory': uint64.describe('bytes of RAM'),
  'plugged-memory': uint64.exactOptional().describe('bytes of memory devices; absent where there can be none'),
});

const ShutdownCause = enumeration('ShutdownCause', 'Who wanted it.', [
  'none', 'host-error', 'host-qmp-quit', 'host-qmp-system-reset', 'host-signal', 'host-ui', 'guest-shutdown', 'guest-reset',
  'guest-panic', 'subsystem-reset', 'snapshot-load',
]);

export const DeviceEvent = struct('DeviceEvent', 'Which device.', {
  device: str.exactOptional().describe('its id, if it has one'),
  path: str.describe('its QOM path'),
});

export const CauseEvent = struct('CauseEvent', 'Why.', {
  guest: bool.describe('whether the guest asked for it'),
  reason: ShutdownCause,
});
