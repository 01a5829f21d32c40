import type { ControllerState } from '@vpmem/virtio';

/** VIRTIO 1.4 §4.1.4: what the transport adds to a device's state. It is `FunctionState.device` of a virtio function. */
export interface VirtioPciState {
  readonly deviceFeatureSelect: number;
  readonly driverFeatureSelect: number;
  readonly queueSelect: number;
  /** 0xffff: none, as for the queues. */
  readonly configMsixVector: number;
  /** By queue. */
  readonly queueMsixVectors: readonly number[];
  readonly isrStatus: number;
  /** Where the shared memory was when the driver last heard of that, hexadecimal; absent: nowhere. */
  readonly rangeAddress?: string;
  readonly controller: ControllerState;
}
