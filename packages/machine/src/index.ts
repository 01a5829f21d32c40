export { BackendStore, type BackendUser } from './backend-store.ts';
export { BackingFileWatch } from './backing-file-watch.ts';
export type { BusDeviceInfo, BusInfo, PciBridgeInfo, PciBusInfo, PciFunctionInfo, PciRegionInfo, PciWindow } from './bus-info.ts';
export { featureNodes, featureProperties, featureSettings, queueFeatures, type FeatureOptions, type FeatureSetting } from './properties/device-features.ts';
export {
  deviceId,
  deviceProperties,
  deviceWarnings,
  freeId,
  memdevProperty,
  objectId,
  pciPlacement,
  readDevice,
  virtioPmemPciProperties,
  wrongDriver,
  type PciPlacement,
  type VirtioPmemPciOptions,
} from './properties/device-properties.ts';
export { absolutePath, driverState, memoryPath, powerCutData } from './device-state.ts';
export { EventHub } from './event-hub.ts';
export { explainError, explainEvent, explainFileChange, type Severity } from './explain.ts';
export { flushFault, plannedFault, powerCutOrder, type FailureControl, type FlushFaultRequest, type PowerCutOrder, type PowerCutRequest } from './failure-control.ts';
export { flushLimit, type FlushLimitRequest } from './properties/flush-limit.ts';
export { ForeignError, type ForeignMonitor } from './foreign-monitor.ts';
export { MachineError, type MachineErrorCode } from './machine-error.ts';
export type { ForeignEvent, MachineEvent, MachineEventName, MachineEvents, ShutdownReason } from './machine-event.ts';
export type { AddedDevice, GuestConsole, GuestDimmInfo, GuestDiskInfo, GuestNamespaceInfo, ManagedMachine, RunState } from './managed-machine.ts';
export type { BackendInfo, ClientCounts, DeviceCounts, DimmInfo, DriverState, FlushFaults, FlushLatency, MemoryDeviceInfo, MemoryRegionInfo, MemorySize, PmemInfo, PowerExposure, TrackerInfo } from './memory-info.ts';
export { objectProperties, readObject } from './properties/object-properties.ts';
export { PATH_PROPERTIES } from './properties/path-properties.ts';
export { makeRecordingFolder, nothingToRecord, recordAll, RECORDING_SUFFIX, type RecordedObjects } from './record-all.ts';
export type { RecordRequest, RecordingControl, RecordingInfo } from './recording-control.ts';
export { MAX_RECORD_INTERVAL } from '@vpmem/memory-backend';
export { checkMark, checkRecordable, nothingRecorded, recordingOrder } from './recording-order.ts';
export { putMark, type MarkedDevice } from './put-mark.ts';
export { container, findObject, findObjects, type FoundObject, type ObjectNode, type ObjectProperty } from './object-tree.ts';
export { busAddress } from './properties/passed-address.ts';
export { pmemQtree, type PmemQtree } from './pmem-qtree.ts';
export { qtreeText } from './qtree-text.ts';
export { ensureSocketFolder } from './socket-folder.ts';
export type { SavedBackend } from './saved-backend.ts';
export { restoreSource, saveSource } from './saved-source.ts';
