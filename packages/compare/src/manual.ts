import type { DeviceKind } from './rig.ts';

/** A sentence of QEMU's manual, word for word. */
export interface Sentence {
  readonly text: string;
  readonly document: string;
  readonly section: string;
}

const DOCUMENT = 'QEMU manual, virtio pmem';
const USE = 'Usecase';
const PERSISTENCE = 'Guest Data Persistence';
const COMPARED = 'How does virtio-pmem compare to the nvdimm emulation?';

/** What the comparison shows, and where it stands; from the manual of QEMU 8.2, docs/system/devices/virtio-pmem.rst. */
export const SENTENCES = {
  'needs-fsync': {
    text: 'Guest data persistence on non-NVDIMM requires guest userspace applications to perform fsync/msync.',
    document: DOCUMENT,
    section: PERSISTENCE,
  },
  persists: {
    text: 'The virtio pmem device provides guest write persistence on non-NVDIMM host storage.',
    document: DOCUMENT,
    section: COMPARED,
  },
  'does-not-persist': {
    text: 'NVDIMM emulation on regular (i.e. non-NVDIMM) host storage does not persist the guest writes as there are no defined semantics in the device specification.',
    document: DOCUMENT,
    section: COMPARED,
  },
  'no-map-sync': {
    text: 'With virtio pmem device, MAP_SYNC mmap flag is not supported.',
    document: DOCUMENT,
    section: PERSISTENCE,
  },
  'bypasses-cache': {
    text: 'Virtio pmem allows to bypass the guest page cache and directly use host page cache.',
    document: DOCUMENT,
    section: USE,
  },
  'smaller-footprint': {
    text: 'This reduces guest memory footprint as the host can make efficient memory reclaim decisions under memory pressure.',
    document: DOCUMENT,
    section: USE,
  },
} as const satisfies Readonly<Record<string, Sentence>>;

/** A sentence of QEMU's manual. */
export type SentenceName = keyof typeof SENTENCES;

/** Which sentence a row of the table is an example of. */
export function sentenceFor(device: DeviceKind, fsynced: number): SentenceName {
  if (device === 'nvdimm') return 'does-not-persist';
  return fsynced === 0 ? 'needs-fsync' : 'persists';
}
