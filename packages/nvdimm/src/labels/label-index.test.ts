import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currentIndex, labelGeometry, nextSequence, readIndex, writeIndex, type LabelIndex } from './label-index.ts';
import { Label, LabelIndexBlock, LabelV1_1, type LabelVersion } from './label-layout.ts';
import { memoryLabelArea } from '../testing.ts';

const offsets = (fields: object): number[] => Object.values(fields as Record<string, { offset: number }>).map(({ offset }) => offset);

describe('UEFI 2.7 §13.19 structures', () => {
  it('have the offsets of the specification', () => {
    expect(offsets(LabelIndexBlock.fields)).toEqual([0, 16, 19, 20, 24, 32, 40, 48, 56, 60, 62, 64]);
    expect(LabelIndexBlock.size).toBe(72);
    expect(offsets(Label.fields)).toEqual([0, 16, 80, 84, 86, 88, 96, 104, 112, 120, 124, 125, 128, 144, 160, 248]);
    expect([LabelV1_1.size, Label.size]).toEqual([128, 256]);
  });
});

describe('labelGeometry', () => {
  // What `ndctl read-labels` shows of an area of 128 KiB that Linux has initialised.
  it.each<[LabelVersion, number, number]>([
    ['1.1', 256, 1020],
    ['1.2', 256, 510],
  ])('of version %s has in 128 KiB index blocks of %i bytes and %i labels', (version, indexSize, slots) => {
    expect(labelGeometry(128 * 1024, version)).toMatchObject({ indexSize, slots });
  });

  it('uses all of an area but less than a label and what index blocks are rounded to, and never more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 2 ** 24 }), fc.constantFrom<LabelVersion>('1.1', '1.2'), (size, version) => {
        const geometry = labelGeometry(size, version);
        expect(geometry === undefined && size >= 2 * 256 + 2 * 256).toBe(false);
        if (geometry === undefined) return;
        const { indexSize, labelSize, slots } = geometry;
        expect(indexSize % 256).toBe(0);
        expect(indexSize).toBeGreaterThanOrEqual(72 + slots / 8);
        expect(2 * indexSize + slots * labelSize).toBeLessThanOrEqual(size);
        expect(size - (2 * indexSize + slots * labelSize)).toBeLessThan(labelSize + 2 * 256);
      }),
    );
    expect(labelGeometry(1023, '1.2')).toBeUndefined();
    expect(labelGeometry(1024, '1.2')).toMatchObject({ slots: 2 });
  });
});

describe('index blocks', () => {
  const geometry = labelGeometry(128 * 1024, '1.2')!;
  const index = (which: 0 | 1, sequence: number, taken: readonly number[] = []): LabelIndex => ({
    geometry,
    which,
    sequence,
    used: Array.from({ length: geometry.slots }, (_, slot) => taken.includes(slot)),
  });

  it('go round in a circle of three', () => {
    expect([1, 2, 3].map(nextSequence)).toEqual([2, 3, 1]);
  });

  it.each([
    [1, 2, 1],
    [2, 3, 1],
    [3, 1, 1],
    [2, 1, 0],
    [3, 2, 0],
    [1, 3, 0],
    [1, 1, 0],
  ])('with sequence %i and %i: number %i counts', (first, second, which) => {
    const area = memoryLabelArea(128 * 1024);
    writeIndex(area, index(0, first, [1]));
    writeIndex(area, index(1, second, [2]));
    expect(currentIndex(area)).toEqual(which === 0 ? index(0, first, [1]) : index(1, second, [2]));
  });

  it('mark a free label with 1, and what is no label with 0', () => {
    const area = memoryLabelArea(128 * 1024);
    writeIndex(area, index(0, 1, [0, 9]));
    const free = area.bytes.subarray(72, 256);
    expect([...free.subarray(0, 3)]).toEqual([0xfe, 0xfd, 0xff]);
    expect([...free.subarray(62, 66)]).toEqual([0xff, 0x3f, 0, 0]);
  });

  const blocks = fc.record({ version: fc.constantFrom<LabelVersion>('1.1', '1.2'), which: fc.constantFrom<0 | 1>(0, 1), sequence: fc.constantFrom(1, 2, 3), taken: fc.uniqueArray(fc.nat(509)) });

  it('read back what was written', () => {
    fc.assert(
      fc.property(blocks, ({ version, which, sequence, taken }) => {
        const area = memoryLabelArea(128 * 1024);
        const own = labelGeometry(area.size, version)!;
        const written: LabelIndex = { geometry: own, which, sequence, used: Array.from({ length: own.slots }, (_, slot) => taken.includes(slot)) };
        writeIndex(area, written);
        expect(readIndex(area, own, which)).toEqual(written);
        expect(currentIndex(area)).toEqual(written);
        expect(area.bytes.subarray(2 * own.indexSize).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('are invalid when any one byte is another, and the other block counts then', () => {
    fc.assert(
      fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const area = memoryLabelArea(128 * 1024);
        writeIndex(area, index(0, 1, [1]));
        writeIndex(area, index(1, 2, [2]));
        area.bytes[at] = (area.bytes[at] ?? 0) ^ change;
        expect(currentIndex(area)).toEqual(at < 256 ? index(1, 2, [2]) : index(0, 1, [1]));
      }),
    );
  });

  it.each([
    ['another signature', { Sig: new Uint8Array(16) }],
    ['sequence 0', { Seq: 0 }],
    ['another version', { Minor: 3 }],
    ['another label size', { LabelSize: 2 }],
    ['another size of its own', { MySize: 512 }],
    ['another place of its own', { MyOff: 256 }],
    ['another place of the other', { OtherOff: 512 }],
    ['another place of the labels', { LabelOff: 768 }],
    ['more labels than there is room for', { NSlot: 511 }],
  ])('are invalid with %s, whatever the checksum says', async (_, wrong) => {
    const { checksumWithout } = await import('./fletcher64.ts');
    const area = memoryLabelArea(128 * 1024);
    writeIndex(area, index(0, 1));
    const view = new DataView(area.bytes.buffer);
    LabelIndexBlock.write(view, 0, wrong);
    LabelIndexBlock.fields.Checksum.set(view, 0, checksumWithout(area.bytes.subarray(0, 256), LabelIndexBlock.fields.Checksum));
    expect(currentIndex(area)).toBeUndefined();
  });

  it('are in no area that is blank, or full of anything', () => {
    expect(currentIndex(memoryLabelArea(128 * 1024))).toBeUndefined();
    expect(currentIndex(memoryLabelArea(512))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1024, maxLength: 1024 }), (noise) => {
        const area = memoryLabelArea(128 * 1024);
        area.bytes.set(noise);
        expect(currentIndex(area)).toBeUndefined();
      }),
    );
  });
});
