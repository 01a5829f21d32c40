/** VIRTIO 1.4 §6: feature bits every device type shares, as masks. */
export const VIRTIO_F_INDIRECT_DESC = 1n << 28n;
export const VIRTIO_F_EVENT_IDX = 1n << 29n;
export const VIRTIO_F_VERSION_1 = 1n << 32n;
/** The device reaches memory as the platform lets it, not by physical address. */
export const VIRTIO_F_ACCESS_PLATFORM = 1n << 33n;
export const VIRTIO_F_RING_PACKED = 1n << 34n;
/** The device uses buffers in the order in which they were made available. */
export const VIRTIO_F_IN_ORDER = 1n << 35n;
/** The device needs barriers fit for real hardware. */
export const VIRTIO_F_ORDER_PLATFORM = 1n << 36n;
/** A driver's notification says how far it has come. */
export const VIRTIO_F_NOTIFICATION_DATA = 1n << 38n;
/** A driver's notification says what the device told it to say instead of a queue index. */
export const VIRTIO_F_NOTIF_CONFIG_DATA = 1n << 39n;
/** The driver can reset a single queue. */
export const VIRTIO_F_RING_RESET = 1n << 40n;
export const VIRTIO_F_SUSPEND = 1n << 43n;
