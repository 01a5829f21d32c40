export { BackendStore, type BackendUser } from './backend-store.ts';
export {
  deviceId,
  deviceProperties,
  freeId,
  objectId,
  pciPlacement,
  readDevice,
  type PciPlacement,
  type VirtioPmemPciOptions,
} from './device-properties.ts';
export { featureProperties } from './device-features.ts';
export type { FailureControl, FlushFaultRequest, PowerCutRequest } from './failure-control.ts';
export { EventHub } from './event-hub.ts';
export { explainError, explainEvent, type Severity } from './explain.ts';
export type { BusDeviceInfo, BusInfo, PciBridgeInfo, PciBusInfo, PciFunctionInfo, PciRegionInfo, PciWindow } from './bus-info.ts';
export type { ForeignMonitor } from './foreign-monitor.ts';
export type { AddedDevice, GuestConsole, GuestDimmInfo, GuestDiskInfo, GuestNamespaceInfo, ManagedMachine, RunState } from './managed-machine.ts';
export type { BackendInfo, DimmInfo, FlushFaults, FlushLatency, MemoryDeviceInfo, MemoryRegionInfo, MemorySize, PmemInfo, PowerExposure, TrackerInfo } from './memory-info.ts';
export { ForeignError } from './foreign-monitor.ts';
export type { ForeignEvent, MachineEvent, MachineEventName, MachineEvents, ShutdownReason } from './machine-event.ts';
export type { RecordRequest, RecordingControl, RecordingInfo } from './recording-control.ts';
export { container, findObject, findObjects, type FoundObject, type ObjectNode, type ObjectProperty } from './object-tree.ts';
export { Machine, type MachineObserver, type MachineOptions } from './served/machine.ts';
export { MachineError, type MachineErrorCode } from './machine-error.ts';
export { objectProperties, readObject } from './object-properties.ts';
export type { Device } from './served/served-devices.ts';
export { defaultSocketFolder, ensureSocketFolder } from './served/socket-path.ts';
export { vfioUserPlug, type PluggableDevice } from './served/vfio-user-plug.ts';
