import type { DriverState, PmemInfo } from '@vpmem/machine';
import type { FileChanges } from './file-changes.ts';
import { byLabel, type MetricDeclaration } from './metric-declaration.ts';

/** What is known of one device. */
export interface DeviceReading {
  readonly info: PmemInfo;
  readonly fileChanges: FileChanges;
}

const DRIVER_STATES: readonly DriverState[] = ['none', 'starting', 'ready', 'needs-reset', 'failed'];
const MILLISECONDS = 1000;
const NO_FLUSHES = { p50: 0, p99: 0, max: 0, sum: 0, steps: [] };

/** An nvdimm has no flush to ask for, and whether a guest uses it nobody outside can tell. */
function flushesOf({ info }: DeviceReading): PmemInfo['flushes'] | undefined {
  return info.type === 'nvdimm' ? undefined : info.flushes;
}

/** Metrics that every device has. They begin at 0 when it is plugged in, and vanish with it. */
export const DEVICE_METRICS: readonly MetricDeclaration<DeviceReading>[] = [
  {
    name: 'vpmem_device_info',
    type: 'gauge',
    help: 'What the device is, its memory backend, and the file behind it; always 1.',
    labels: ['type', 'memdev', 'backing_file'],
    read: ({ info: { type, memdev, backingFile = '' } }) => [{ value: 1, labels: { type, memdev, backing_file: backingFile } }],
  },
  { name: 'vpmem_device_size_bytes', type: 'gauge', help: 'Bytes that the guest sees.', read: ({ info }) => info.size },
  { name: 'vpmem_device_volatile', type: 'gauge', help: '1 if nothing persists that is written to the device, else 0.', read: ({ info }) => Number(info.volatile !== undefined) },
  { name: 'vpmem_device_connected', type: 'gauge', help: '1 if a VM has the device, else 0.', read: ({ info }) => Number(info.connected) },
  {
    name: 'vpmem_device_failed',
    type: 'gauge',
    help: '1 if a sync has failed, so that every flush fails until the device is plugged in anew, else 0.',
    read: (device) => (flushesOf(device) === undefined ? undefined : Number(device.info.failure !== undefined)),
  },
  {
    name: 'vpmem_driver_state',
    type: 'gauge',
    help: "What the guest's driver has made of the device: 1 for the state that it is in, 0 for the others.",
    labels: ['state'],
    read: ({ info }) => (info.type === 'nvdimm' ? undefined : DRIVER_STATES.map((state) => ({ value: Number(info.driver === state), labels: { state } }))),
  },
  { name: 'vpmem_flushes_asked_total', type: 'counter', help: 'Flushes that the guest asked for.', read: (device) => flushesOf(device)?.asked },
  { name: 'vpmem_flushes_synced_total', type: 'counter', help: 'Syncs for them that worked; one can answer several flushes.', read: (device) => flushesOf(device)?.synced },
  { name: 'vpmem_flushes_shared_total', type: 'counter', help: 'Flushes that shared their sync with an earlier one.', read: (device) => flushesOf(device)?.coalesced },
  { name: 'vpmem_flushes_failed_total', type: 'counter', help: 'Flushes that were answered with failure.', read: (device) => flushesOf(device)?.failed },
  { name: 'vpmem_flushes_in_flight', type: 'gauge', help: 'Flushes that wait for an answer.', read: (device) => flushesOf(device)?.inFlight },
  {
    name: 'vpmem_flush_duration_seconds',
    type: 'histogram',
    help: 'How long flushes took that were answered with success, from the request to the answer.',
    read: ({ info }) => (info.type === 'nvdimm' ? undefined : (info.latency ?? NO_FLUSHES)),
  },
  {
    name: 'vpmem_flush_faults_total',
    type: 'counter',
    help: 'Flushes that failed, were late, or were never answered because that was planned.',
    labels: ['fault'],
    read: ({ info: { faults } }) => (faults === undefined ? undefined : byLabel('fault', { failed: faults.failed, delayed: faults.delayed, hung: faults.hung })),
  },
  { name: 'vpmem_flush_limit_syncs_per_second', type: 'gauge', help: 'How many syncs a second the guest may cause; only where that is limited.', read: ({ info }) => info.faults?.limit?.ops },
  { name: 'vpmem_flushes_held_back_total', type: 'counter', help: 'Syncs that had to wait for that limit.', read: ({ info }) => info.faults?.limit?.heldBack },
  {
    name: 'vpmem_notifications_held_back_total',
    type: 'counter',
    help: 'Notifications for nothing that a VM had to wait after, for the same limit.',
    read: ({ info }) => info.faults?.limit?.notificationsHeldBack,
  },
  { name: 'vpmem_client_connects_total', type: 'counter', help: 'VMs that connected.', read: ({ info }) => info.counts?.clients?.connects },
  {
    name: 'vpmem_client_errors_total',
    type: 'counter',
    help: 'Connections that were turned away (refused), and what was wrong with what clients sent or with RAM that they told of (remark).',
    labels: ['kind'],
    read: ({ info: { counts } }) => (counts?.clients === undefined ? undefined : byLabel('kind', { refused: counts.clients.refused, remark: counts.clients.remarks })),
  },
  { name: 'vpmem_driver_errors_total', type: 'counter', help: 'Mistakes of the driver after which it has to reset the device.', read: ({ info }) => info.counts?.driverErrors },
  { name: 'vpmem_driver_resets_total', type: 'counter', help: 'Times that a driver was gone which had used the device: by a reset, or with its VM.', read: ({ info }) => info.counts?.resets },
  {
    name: 'vpmem_backing_file_changes_total',
    type: 'counter',
    help: 'Times that the file behind the device was seen to be truncated, replaced or deleted under it, or without room left.',
    labels: ['change'],
    read: ({ info, fileChanges }) => (info.backingFile === undefined ? undefined : byLabel('change', fileChanges)),
  },
  { name: 'vpmem_unflushed_bytes', type: 'gauge', help: 'Bytes that a power cut would lose now; only with power-failure=on, and where it is known.', read: ({ info }) => info.exposure?.bytes },
  {
    name: 'vpmem_unflushed_age_seconds',
    type: 'gauge',
    help: 'How long ago the oldest of them can have been stored; only where there can be any.',
    read: ({ info: { exposure } }) => (exposure?.oldest === undefined ? undefined : exposure.oldest / MILLISECONDS),
  },
  { name: 'vpmem_power_cuts_total', type: 'counter', help: 'Times that the power of the device was cut; only with power-failure=on.', read: ({ info }) => info.exposure?.cuts },
  { name: 'vpmem_recording_size_bytes', type: 'gauge', help: 'Bytes of the file into which the device is recorded; only where it is.', read: ({ info }) => info.recording?.bytes },
  { name: 'vpmem_recording_waiting_bytes', type: 'gauge', help: 'Bytes of pages that wait to get into the recording, as they were and as they are.', read: ({ info }) => info.recording?.waiting },
  { name: 'vpmem_recorded_flushes_total', type: 'counter', help: 'Flushes in the recording that were answered with success.', read: ({ info }) => info.recording?.flushes },
  { name: 'vpmem_recorded_marks_total', type: 'counter', help: 'Marks in the recording.', read: ({ info }) => info.recording?.marks },
  {
    name: 'vpmem_recording_incomplete',
    type: 'gauge',
    help: '1 if nothing more gets into the recording, although it was not ended, else 0.',
    read: ({ info: { recording } }) => (recording === undefined ? undefined : Number(recording.incomplete !== undefined)),
  },
];
