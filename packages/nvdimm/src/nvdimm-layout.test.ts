import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSlot, layOutNvdimm, MIN_LABEL_SIZE } from './nvdimm-layout.ts';

const MIB = 2 ** 20;
const memory = { id: 'mem1', size: 64 * MIB, align: 4096, readonly: false };

describe('layOutNvdimm', () => {
  it('gives the guest the whole backend where there are no labels', () => {
    expect(layOutNvdimm(memory)).toEqual({ pmemSize: 64 * MIB, labelOffset: 64 * MIB, labelSize: 0 });
  });

  it('puts the label area at the end of the backend', () => {
    expect(layOutNvdimm({ ...memory, size: 64 * MIB + 128 * 1024 }, { labelSize: 128 * 1024 })).toEqual({
      pmemSize: 64 * MIB,
      labelOffset: 64 * MIB,
      labelSize: 128 * 1024,
    });
  });

  it('aligns the visible memory down, and leaves the gap to nobody', () => {
    expect(layOutNvdimm({ ...memory, align: 2 * MIB }, { labelSize: 128 * 1024 })).toEqual({
      pmemSize: 62 * MIB,
      labelOffset: 64 * MIB - 128 * 1024,
      labelSize: 128 * 1024,
    });
    expect(layOutNvdimm(memory, { labelSize: 128 * 1024 + 1 }).pmemSize).toBe(64 * MIB - 132 * 1024);
  });

  it('never lets two areas overlap, and loses less than one unit of alignment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 24 }), fc.integer({ min: 12, max: 30 }), fc.integer({ min: MIN_LABEL_SIZE, max: 2 ** 32 - 1 }), (pages, shift, labelSize) => {
        const [size, align] = [pages * 4096, 2 ** shift];
        fc.pre(size - labelSize >= align);
        const { pmemSize, labelOffset } = layOutNvdimm({ ...memory, size, align }, { labelSize });
        expect(pmemSize % align).toBe(0);
        expect(labelOffset + labelSize).toBe(size);
        expect(labelOffset - pmemSize).toBeGreaterThanOrEqual(0);
        expect(labelOffset - pmemSize).toBeLessThan(align);
      }),
    );
  });

  it.each([
    ['label-size-too-small', 'label-size', memory, { labelSize: 131_071 }, /label-size 131071 is too small.*131072 \(128K\) or more, or 0/],
    ['label-size-too-small', 'label-size', memory, { labelSize: 1 }, /label-size 1 is too small/],
    ['label-size-too-large', 'label-size', { ...memory, size: 2 ** 34 }, { labelSize: 2 ** 32 }, /label-size 4294967296 is more.*4294967295/],
    ['backend-too-small', 'memdev', { ...memory, size: 128 * 1024 }, { labelSize: 128 * 1024 }, /memdev 'mem1' has 131072 bytes.*size=135168 or more would be right$/],
    ['backend-too-small', 'memdev', { ...memory, size: 2 * MIB, align: 2 * MIB }, { labelSize: 256 * 1024 }, /size=2359296 or more.*smaller label-size$/],
    ['backend-too-small', 'memdev', { ...memory, size: 4096, align: 2 * MIB }, {}, /memdev 'mem1' has 4096 bytes.*2097152 bytes; size=2097152/],
    ['read-only-backend', 'unarmed', { ...memory, readonly: true }, {}, /memdev 'mem1' has readonly=on.*give unarmed=on/],
  ])('refuses with %s, naming %s', (code, property, from, options, message) => {
    expect(() => layOutNvdimm(from, options)).toThrow(expect.objectContaining({ name: 'NvdimmError', code, property, message: expect.stringMatching(message) as string }));
  });

  it('takes a backend that is just large enough, and a read-only one that says so', () => {
    expect(layOutNvdimm({ ...memory, size: 132 * 1024 }, { labelSize: 128 * 1024 }).pmemSize).toBe(4096);
    expect(layOutNvdimm({ ...memory, readonly: true }, { unarmed: true }).pmemSize).toBe(64 * MIB);
  });
});

it('checkSlot knows slots 0 to 255', () => {
  for (const slot of [0, 255]) expect(() => checkSlot(slot)).not.toThrow();
  for (const slot of [-1, 256, 1.5, NaN]) expect(() => checkSlot(slot)).toThrow(expect.objectContaining({ code: 'bad-slot', property: 'slot', message: expect.stringContaining('0 to 255') as string }));
});
