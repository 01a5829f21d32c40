export { DEVICE_METRICS, type DeviceReading } from './device-metrics.ts';
export type { FileChanges } from './file-changes.ts';
export { anchorMetricsAddress, formatMetricsAddress, MetricsError, parseMetricsAddress, type MetricsAddress } from './metrics-address.ts';
export type { Labels, MetricDeclaration, Reading } from './metric-declaration.ts';
export { MetricsServer, type MetricsServerOptions } from './metrics-server.ts';
export { METRICS_FORMATS, MetricsWriter, type MachineReading, type MetricsFormat } from './metrics-text.ts';
export type { Patience } from './patient-pmem.ts';
export { PROGRAM_METRICS, type ProgramReading } from './program-metrics.ts';
