/** What a device is to its driver at one moment, whatever the transport: plain JSON. 64-bit values are hexadecimal, as in "0x1000". */
export interface ControllerState {
  /** VIRTIO 1.4 §2.1. */
  readonly deviceStatus: number;
  /** VIRTIO 1.4 §2.2: what the driver accepted, or wrote so far. */
  readonly driverFeatures: string;
  /** VIRTIO 1.4 §2.5: 0 to 255. */
  readonly configGeneration: number;
  /** Whether the driver has read the configuration since its last change. */
  readonly configSeen: boolean;
  /** The driver wrote 0 to the status, and something of its was still in flight. */
  readonly resetting: boolean;
  /** The driver wrote SUSPEND to the status, which does not show yet. */
  readonly suspending: boolean;
  /** While suspended: the configuration as it reads, base64. */
  readonly frozenConfig?: string;
  /** While suspended: it will read differently when the driver resumes. */
  readonly configChangeHeld: boolean;
  /** By index. */
  readonly queues: readonly QueueRecord[];
}

/** The registers of one queue, and what of its place in the ring the ring does not tell. */
export interface QueueRecord {
  readonly size: number;
  readonly desc: string;
  readonly driver: string;
  readonly device: string;
  readonly enabled: boolean;
  /** The driver asked for its reset, which was not over. */
  readonly resetting: boolean;
  /** The driver notified it before it was in service. */
  readonly notifiedEarly: boolean;
  /** Packed, and in service: the slot word of the oldest buffer that is not given back. `QueueConfig.progress` is newer. */
  readonly position?: number;
}
