import { memdevProperty } from '@vpmem/machine';
import { defineProperties, property, type ValuesOf } from '@vpmem/options';

/** Properties of nvdimm: QEMU's own, and `hide-data`. */
export const nvdimmProperties = defineProperties({
  driver: property.string({ required: true }),
  id: property.identifier({ description: 'name of the device' }),
  memdev: memdevProperty('id of its memory backend'),
  'label-size': property.size({ default: 0, description: 'bytes at the end of the backend for namespace labels; 0: none' }),
  unarmed: property.bool({ default: false, description: 'tell the guest that what it writes will not persist' }),
  'hide-data': property.bool({ default: false, description: 'hide the end of a file behind labels though it looks like data (not in QEMU)' }),
  slot: property.int({ default: -1, min: -1, max: 2 ** 31 - 1, description: 'which slot; -1: the lowest free one' }),
  addr: property.uint64({ description: 'guest-physical address; chosen if left out or 0' }),
  node: property.only(property.int({ default: 0, max: 2 ** 32 - 1, description: 'NUMA node; 0 only' }), (node) => node === 0, 'there is one NUMA node'),
  uuid: property.string({ description: 'accepted and shown; no guest of a PC sees it' }),
  size: property.refused("it follows from the backend's size and label-size"),
  bus: property.refused('an nvdimm goes into a memory slot, not onto a bus'),
});

export type NvdimmSettings = ValuesOf<typeof nvdimmProperties>;
