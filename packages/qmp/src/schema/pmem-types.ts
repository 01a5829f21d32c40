import { PmemFaults, PmemPowerFailure } from './failure-types.ts';
import { DeviceEvent } from './machine-types.ts';
import { bool, enumeration, int, openStruct, str, struct, uint64 } from './qapi-type.ts';
import { PmemRecording } from './recording-types.ts';

const PmemFlushes = struct('PmemFlushes', 'Flushes since the device was plugged in; none for an nvdimm, which has no flush to ask for.', {
  asked: int.describe('asked for by the guest'),
  synced: int.describe('syncs that worked; one can answer several flushes'),
  coalesced: int.describe('flushes that shared their sync with an earlier one'),
  failed: int.describe('answered with an error'),
  'in-flight': int.describe('not answered yet'),
});

const PmemLatencyStep = struct('PmemLatencyStep', 'Flushes that took no longer than this, and longer than any step before.', {
  'up-to': int.describe('microseconds; every power of two is the end of a step'),
  count: int.describe('how many there were'),
});

const PmemLatency = struct('PmemLatency', 'How long flushes took from being asked to being answered, in microseconds.', {
  p50: int.describe('half of them took no longer'),
  p99: int.describe('99 of 100 took no longer'),
  max: int,
  sum: int.describe('of all of them'),
  steps: PmemLatencyStep.array().describe('how many took how long, ascending; only steps in which there was one'),
});

const PmemError = struct('PmemError', 'Something that went wrong.', {
  text: str,
  time: int.describe('milliseconds since 1970'),
});

export const PmemInfo = struct('PmemInfo', 'How a device with persistent memory is doing.', {
  type: enumeration('PmemDeviceType', 'What kind of device it is.', ['virtio-pmem', 'nvdimm']),
  id: str,
  path: str.describe('QOM path'),
  memdev: str.describe('QOM path of the backend'),
  'backing-file': str.exactOptional().describe('absent if it has no name'),
  volatile: str.exactOptional().describe('why nothing persists, if nothing does'),
  size: uint64.describe('bytes the guest sees'),
  socket: str.exactOptional().describe("where a VM connects; absent for a device of this process's own guest"),
  connected: bool.describe('whether a VM has the device'),
  driver: enumeration('PmemDriverState', "What the guest's driver has made of the device; `none` for an nvdimm, of which nobody outside can tell.", ['none', 'starting', 'ready', 'needs-reset', 'failed']),
  flushes: PmemFlushes,
  latency: PmemLatency.exactOptional().describe('absent before the first flush'),
  'power-failure': PmemPowerFailure.exactOptional().describe('absent without `power-failure=on`'),
  recording: PmemRecording.exactOptional().describe('absent where nothing is being recorded'),
  faults: PmemFaults.exactOptional(),
  'last-error': PmemError.exactOptional(),
});

const PluggableDevice = openStruct('PluggableDevice', "What to give to the VM's own `device_add`.", {
  driver: str.describe('such as `vfio-user-pci`'),
  id: str.exactOptional(),
});

export const DeviceAdded = struct('DeviceAdded', 'What came of `device_add`.', {
  device: PluggableDevice.exactOptional().describe("where the VM is somebody else's: the arguments of its own `device_add`"),
});

export const PmemTrouble = struct('PmemTrouble', 'Which device, and why.', { ...DeviceEvent.shape, reason: str.describe('one sentence') });

export const BackingFileChange = struct('PmemBackingFileChange', 'What became of a backing file.', {
  memdev: str.describe("the backend's id"),
  'backing-file': str,
  change: enumeration('PmemFileChange', 'What happened to it.', ['truncated', 'replaced', 'deleted', 'no-space']),
  reason: str.describe('one sentence'),
});
