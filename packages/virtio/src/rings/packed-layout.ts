import { le16, le32, le64, struct } from '@vpmem/layout';

/** VIRTIO 1.4 §2.8.13, struct pvirtq_desc. Its NEXT, WRITE and INDIRECT flags are those of the split queue. */
export const PvirtqDesc = struct('pvirtq_desc', { addr: le64, len: le32, id: le16, flags: le16 });
/** VIRTIO 1.4 §2.8.1: with its opposite in USED, available in the lap whose wrap counter equals it. */
export const VIRTQ_DESC_F_AVAIL = 0x0080;
/** VIRTIO 1.4 §2.8.1: with the same in AVAIL, used in the lap whose wrap counter equals it. */
export const VIRTQ_DESC_F_USED = 0x8000;

/** VIRTIO 1.4 §2.8.14, struct pvirtq_event_suppress: `desc` is a slot, with its wrap counter in bit 15; `flags` has two bits. */
export const PvirtqEventSuppress = struct('pvirtq_event_suppress', { desc: le16, flags: le16 });
/** VIRTIO 1.4 §2.8.10: notify always. */
export const RING_EVENT_FLAGS_ENABLE = 0;
/** VIRTIO 1.4 §2.8.10: notify never. */
export const RING_EVENT_FLAGS_DISABLE = 1;
/** VIRTIO 1.4 §2.8.10: notify when the slot of `desc` is reached; only with VIRTIO_F_EVENT_IDX. */
export const RING_EVENT_FLAGS_DESC = 2;
export const RING_EVENT_FLAGS_MASK = 3;

/** A slot in bits 0 to 14, and in bit 15 the wrap counter of its lap. */
export function slotWord(slot: number, wrap: boolean): number {
  return slot | (wrap ? 0x8000 : 0);
}

/** VIRTIO 1.4 §2.8.1: the flags that make a descriptor available in a lap. */
export function availableFlags(wrap: boolean): number {
  return wrap ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
}

/** VIRTIO 1.4 §2.8.1: the flags that make it used in a lap. */
export function usedFlags(wrap: boolean): number {
  return wrap ? VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED : 0;
}

const LAP_FLAGS = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;

/** Whether a descriptor's flags say that it is available in a lap. */
export function isAvailable(flags: number, wrap: boolean): boolean {
  return (flags & LAP_FLAGS) === availableFlags(wrap);
}

/** Whether a descriptor's flags say that it was used in a lap. */
export function isUsed(flags: number, wrap: boolean): boolean {
  return (flags & LAP_FLAGS) === usedFlags(wrap);
}

/**
 * Whether the `count` slots before (`next`, `wrap`) include the one that `word` names: whoever wrote it wants a notification.
 * A slot word tells two laps apart, and more are never under way.
 */
export function reachedSlot(word: number, next: number, wrap: boolean, count: number, size: number): boolean {
  const event = (word & 0x7fff) - (word >> 15 === (wrap ? 1 : 0) ? 0 : size);
  return event < next && event >= next - count;
}
