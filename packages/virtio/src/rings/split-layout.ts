import { le16, le32, le64, struct } from '@vpmem/layout';

/** VIRTIO 1.4 §2.7.5, struct virtq_desc */
export const VirtqDesc = struct('virtq_desc', { addr: le64, len: le32, flags: le16, next: le16 });
/** The chain goes on at `next`. */
export const VIRTQ_DESC_F_NEXT = 1;
/** The device writes here; otherwise it reads. */
export const VIRTQ_DESC_F_WRITE = 2;
/** The buffer holds a table of descriptors. */
export const VIRTQ_DESC_F_INDIRECT = 4;

/** VIRTIO 1.4 §2.7.6, struct virtq_avail: what comes before and after the ring of le16 heads. */
export const VirtqAvail = {
  flags: 0,
  idx: 2,
  ring: 4,
  /** Offset of used_event. */
  usedEvent: (size: number): number => 4 + 2 * size,
  bytes: (size: number): number => 6 + 2 * size,
};
/** The driver wants no used buffer notifications. */
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;

/** The device wants no available buffer notifications; without VIRTIO_F_EVENT_IDX. */
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** VIRTIO 1.4 §2.7.8, struct virtq_used_elem */
export const VirtqUsedElem = struct('virtq_used_elem', { id: le32, len: le32 });

/** VIRTIO 1.4 §2.7.8, struct virtq_used: what comes before and after the ring of virtq_used_elem. */
export const VirtqUsed = {
  flags: 0,
  idx: 2,
  ring: 4,
  /** Offset of avail_event. */
  availEvent: (size: number): number => 4 + 8 * size,
  bytes: (size: number): number => 6 + 8 * size,
};

/** VIRTIO 1.4 §2.7: the largest queue. */
export const MAX_QUEUE_SIZE = 32768;
