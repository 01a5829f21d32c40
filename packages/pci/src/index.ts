export { BAR_COUNT, BAR_PREFETCHABLE, BAR_TYPE_64, BarRegisters, barSize, type Bar, type BarHandler, type MappableArea } from './bar.ts';
export {
  BRIDGE_WINDOW_UNIT,
  BridgeHeader,
  CAPABILITY_EXPRESS,
  ExpressCapability,
  HEADER_TYPE_BRIDGE,
  NO_RESERVE,
  RESERVE_RESOURCES,
  ReserveCapability,
} from './bridge-header.ts';
export { BusSegment, MAX_SLOTS } from './bus-segment.ts';
export { CAPABILITY_MSIX, CAPABILITY_VENDOR, type Capability } from './capability.ts';
export {
  CAPABILITIES_AT,
  COMMAND_INTX_DISABLE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  CONFIG_SIZE,
  PciHeader,
  STATUS_CAPABILITIES,
  STATUS_INTERRUPT,
} from './config-header.ts';
export { PciEndpoint, type EndpointOptions } from './endpoint.ts';
export type { EndpointState, FunctionState } from './function-state.ts';
export { MSIX_ENABLE, MSIX_FUNCTION_MASK, Msix, MsixTableEntry } from './msix.ts';
export type { BusTarget, MsixDelivery, PciBridgeSide, PciBus, PciFunction, PciHost, PolledFunction } from './pci-function.ts';
export { RootPort, type RootPortOptions } from './root-port.ts';
