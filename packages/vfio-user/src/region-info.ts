import type { Bar, PciFunction } from '@vpmem/pci';
import {
  REGION_CONFIG,
  REGION_FLAG_CAPS,
  REGION_FLAG_MMAP,
  REGION_FLAG_READ,
  REGION_FLAG_WRITE,
  REGION_INFO_CAP_SPARSE_MMAP,
  RegionInfo,
  SparseMmapArea,
  SparseMmapCap,
} from './protocol.ts';

/** The answer to GET_REGION_INFO and the descriptors that go with it. */
export interface RegionAnswer {
  readonly body: Uint8Array;
  readonly fds: readonly number[];
}

/**
 * Describes a region in at most `room` bytes. Where the list of areas does not fit, the plain structure goes out, with the
 * room that is needed and without the descriptor, and the client asks again.
 */
export function regionInfo(pci: PciFunction, index: number, room: number): RegionAnswer {
  const bar = pci.bars[index];
  if (bar === undefined) {
    const isConfig = index === REGION_CONFIG;
    const flags = isConfig ? REGION_FLAG_READ | REGION_FLAG_WRITE : 0;
    return { body: RegionInfo.encode({ argsz: RegionInfo.size, index, flags, size: isConfig ? pci.configSize : 0 }), fds: [] };
  }
  const common = { index, size: bar.size, flags: REGION_FLAG_READ | REGION_FLAG_WRITE };
  const [area] = bar.areas;
  if (area === undefined) return { body: RegionInfo.encode({ ...common, argsz: RegionInfo.size }), fds: [] };

  const mapped = { ...common, flags: common.flags | REGION_FLAG_MMAP, offset: area.fileOffset - area.offset };
  if (coversAll(bar)) return { body: RegionInfo.encode({ ...mapped, argsz: RegionInfo.size }), fds: [area.fd] };

  const areas = sparseAreas(bar);
  const argsz = RegionInfo.size + areas.length;
  if (room < argsz) return { body: RegionInfo.encode({ ...mapped, argsz }), fds: [] };
  const info = RegionInfo.encode({ ...mapped, argsz, flags: mapped.flags | REGION_FLAG_CAPS, cap_offset: RegionInfo.size });
  return { body: Buffer.concat([info, areas]), fds: [area.fd] };
}

/** @throws RangeError if the protocol cannot express the BAR: one descriptor per region, areas in step with the file */
export function checkBar(index: number, bar: Bar): void {
  const [first] = bar.areas;
  if (first === undefined) return;
  const inStep = bar.areas.every(({ fd, offset, fileOffset }) => fd === first.fd && fileOffset - offset === first.fileOffset - first.offset);
  if (!inStep || first.fileOffset < first.offset) {
    throw new RangeError(`BAR ${index}: its areas have to lie in one file, at offsets that grow with those in the BAR`);
  }
}

function coversAll(bar: Bar): boolean {
  return bar.areas.length === 1 && bar.areas[0]?.offset === 0 && bar.areas[0].size === bar.size;
}

function sparseAreas(bar: Bar): Buffer {
  return Buffer.concat([
    SparseMmapCap.encode({ id: REGION_INFO_CAP_SPARSE_MMAP, version: 1, nr_areas: bar.areas.length }),
    ...bar.areas.map(({ offset, size }) => SparseMmapArea.encode({ offset, size })),
  ]);
}
