import { describe, expect, it } from 'vitest';
import { VirtqAvail, VirtqDesc, VirtqUsed, VirtqUsedElem } from './split-layout.ts';

const offsets = (fields: Record<string, { offset: number }>): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).map(([name, { offset }]) => [name, offset]));

describe('VIRTIO 1.4 §2.7', () => {
  it('struct virtq_desc', () => {
    expect(VirtqDesc.size).toBe(16);
    expect(offsets(VirtqDesc.fields)).toEqual({ addr: 0, len: 8, flags: 12, next: 14 });
    expect(Buffer.from(VirtqDesc.encode({ addr: 0x1_0000, len: 4, flags: 1, next: 1 })).toString('hex')).toBe('00000100000000000400000001000100');
    expect(Buffer.from(VirtqDesc.encode({ addr: 0x1_0010, len: 4, flags: 2 })).toString('hex')).toBe('10000100000000000400000002000000');
  });

  it('struct virtq_used_elem', () => {
    expect(Buffer.from(VirtqUsedElem.encode({ id: 0, len: 4 })).toString('hex')).toBe('0000000004000000');
  });

  it.each([
    [16, 256, 38, 134],
    [128, 2048, 262, 1030],
    [256, 4096, 518, 2054],
  ])('SPL-D1 a queue of %i has parts of %i, %i and %i bytes', (size, desc, avail, used) => {
    expect([VirtqDesc.size * size, VirtqAvail.bytes(size), VirtqUsed.bytes(size)]).toEqual([desc, avail, used]);
    expect([VirtqAvail.usedEvent(size), VirtqUsed.availEvent(size)]).toEqual([avail - 2, used - 2]);
  });
});
