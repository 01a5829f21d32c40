import type { Struct } from '@vpmem/layout';
import { expect, it } from 'vitest';
import { DeviceInfo, DmaMap, DmaUnmap, Header, IrqInfo, IrqSet, RegionAccess, RegionInfo, SparseMmapArea, SparseMmapCap, Version } from './protocol.ts';

// Sizes and offsets of the specification (docs/interop/vfio-user.rst), body offsets without the header.
it.each<[string, Struct, number, number[]]>([
  ['Header', Header, 16, [0, 2, 4, 8, 12]],
  ['VERSION', Version, 4, [0, 2]],
  ['DMA_MAP', DmaMap, 32, [0, 4, 8, 16, 24]],
  ['DMA_UNMAP', DmaUnmap, 24, [0, 4, 8, 16]],
  ['DEVICE_GET_INFO', DeviceInfo, 16, [0, 4, 8, 12]],
  ['DEVICE_GET_REGION_INFO', RegionInfo, 32, [0, 4, 8, 12, 16, 24]],
  ['sparse mmap capability', SparseMmapCap, 16, [0, 2, 4, 8, 12]],
  ['sparse mmap area', SparseMmapArea, 16, [0, 8]],
  ['DEVICE_GET_IRQ_INFO', IrqInfo, 16, [0, 4, 8, 12]],
  ['DEVICE_SET_IRQS', IrqSet, 20, [0, 4, 8, 12, 16]],
  ['REGION_READ and _WRITE', RegionAccess, 16, [0, 8, 12]],
])('%s', (_, layout, size, offsets) => {
  expect(layout.size).toBe(size);
  expect(Object.values(layout.fields).map((field) => (field as { offset: number }).offset)).toEqual(offsets);
});
