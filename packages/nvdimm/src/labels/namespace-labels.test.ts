import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelGeometry, readIndex } from './label-index.ts';
import { Label, type LabelVersion } from './label-layout.ts';
import { decodeLabel, encodeLabel, type NamespaceLabel } from './namespace-label.ts';
import { NamespaceLabels, type NewNamespace } from './namespace-labels.ts';
import { memoryLabelArea } from '../testing.ts';

const MIB = 2 ** 20;
const uuidOf = (n: number): string => `01020304-0506-4708-890a-${n.toString(16).padStart(12, '0')}`;
const namespace = (n: number, more: Partial<NewNamespace> = {}): NewNamespace => ({ uuid: uuidOf(n), size: 2 * MIB, capacity: 64 * MIB, setCookie: 0x1234n, ...more });
const versions: LabelVersion[] = ['1.1', '1.2'];

describe('one label', () => {
  const labels: fc.Arbitrary<Required<NamespaceLabel>> = fc.record({
    uuid: fc.uuid(),
    name: fc.string({ maxLength: 15, unit: 'grapheme' }).filter((text) => !text.includes('\0') && new TextEncoder().encode(text).length <= 63),
    flags: fc.constantFrom(0, 1, 2, 4),
    labelCount: fc.nat(0xffff),
    position: fc.nat(0xffff),
    setCookie: fc.bigInt(0n, 2n ** 64n - 1n),
    lbaSize: fc.constantFrom(0, 512, 4096),
    dpa: fc.nat(2 ** 30).map((page) => page * 4096),
    rawSize: fc.nat(2 ** 30).map((page) => page * 4096),
    typeGuid: fc.uuid(),
    abstractionGuid: fc.uuid(),
  });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(labels, fc.nat(1000), ({ typeGuid, abstractionGuid, ...common }, slot) => {
        expect(decodeLabel(encodeLabel(common, '1.1', slot), '1.1', slot)).toEqual(common);
        const whole = { ...common, typeGuid, abstractionGuid };
        expect(decodeLabel(encodeLabel(whole, '1.2', slot), '1.2', slot)).toEqual(whole);
      }),
    );
  });

  it('of version 1.2 is none when any one byte is another', () => {
    fc.assert(
      fc.property(labels, fc.nat(255), fc.integer({ min: 1, max: 255 }), (label, at, change) => {
        const bytes = encodeLabel(label, '1.2', 3);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(decodeLabel(bytes, '1.2', 3)).toBeUndefined();
      }),
    );
  });

  const plain: NamespaceLabel = { uuid: uuidOf(1), name: 'x', flags: 0, labelCount: 1, position: 0, setCookie: 1n, lbaSize: 0, dpa: 0, rawSize: 4096 };
  it.each(versions)('of version %s is none for another slot, while it is being changed, or if it is not whole pages', (version) => {
    expect(decodeLabel(encodeLabel(plain, version, 3), version, 4)).toBeUndefined();
    for (const wrong of [{ flags: 8 }, { dpa: 512 }, { rawSize: 4097 }]) expect(decodeLabel(encodeLabel({ ...plain, ...wrong }, version, 3), version, 3)).toBeUndefined();
    expect(decodeLabel(encodeLabel(plain, version, 3), version, 3)).toMatchObject(plain);
  });

  it('has the UUID in the order of its text, and GUIDs in theirs', () => {
    const bytes = encodeLabel({ ...plain, typeGuid: '66f0d379-b4f3-4074-ac43-0d3318b78cdb' }, '1.2', 0);
    expect(Buffer.from(bytes.subarray(0, 16)).toString('hex')).toBe('0102030405064708890a000000000001');
    expect(Buffer.from(bytes.subarray(128, 144)).toString('hex')).toBe('79d3f066f3b47440ac430d3318b78cdb');
  });
});

describe.each(versions)('NamespaceLabels of version %s', (version) => {
  const fresh = () => memoryLabelArea(128 * 1024);
  const slots = version === '1.1' ? 1020 : 510;

  it('are none in a blank area, and empty in one that was initialised, whatever was there before', () => {
    const area = fresh();
    expect(NamespaceLabels.open(area)).toBeUndefined();
    area.bytes.fill(0x5a);
    NamespaceLabels.initialise(area, version === '1.1' ? '1.2' : '1.1').create(namespace(9));
    expect(NamespaceLabels.initialise(area, version)).toMatchObject({ version, slots, freeSlots: slots, labels: [] });
    expect(NamespaceLabels.open(area)).toMatchObject({ version, slots, freeSlots: slots, labels: [] });
  });

  it('find each namespace a place, and are found by whoever opens the area', () => {
    const area = fresh();
    const labels = NamespaceLabels.initialise(area, version);
    const made = [labels.create(namespace(1, { name: 'first' })), labels.create(namespace(2, { dpa: 8 * MIB })), labels.create(namespace(3, { size: 6 * MIB })), labels.create(namespace(4, { size: 6 * MIB }))];
    expect(made.map(({ dpa }) => dpa / MIB)).toEqual([0, 8, 2, 10]);
    expect(made[0]).toMatchObject({ uuid: uuidOf(1), name: 'first', flags: 0, labelCount: 1, position: 0, setCookie: 0x1234n, rawSize: 2 * MIB });
    expect(made[0]?.typeGuid).toBe(version === '1.1' ? undefined : '66f0d379-b4f3-4074-ac43-0d3318b78cdb');
    expect(NamespaceLabels.open(area)?.labels).toEqual(made);
    expect(labels.freeSlots).toBe(slots - 4);
  });

  it('let go of a namespace, and use its place again', () => {
    const labels = NamespaceLabels.initialise(fresh(), version);
    labels.create(namespace(1));
    labels.create(namespace(2));
    expect(labels.remove(uuidOf(3))).toBe(false);
    expect(labels.remove(uuidOf(1).toUpperCase())).toBe(true);
    expect(labels.labels.map(({ uuid }) => uuid)).toEqual([uuidOf(2)]);
    expect(labels.create(namespace(3)).dpa).toBe(0);
  });

  it.each([
    ['bad-uuid', { uuid: 'x' }],
    ['bad-name', { name: 'é'.repeat(32) }],
    ['bad-range', { size: 0 }],
    ['bad-range', { size: 4097 }],
    ['bad-range', { dpa: 512 }],
    ['bad-range', { dpa: -4096 }],
    ['uuid-in-use', { uuid: uuidOf(1).toUpperCase() }],
    ['no-room', { size: 64 * MIB }],
    ['no-room', { dpa: 0 }],
    ['no-room', { dpa: 63 * MIB }],
  ] as const)('refuse with %s: %o', (code, wrong) => {
    const area = fresh();
    const labels = NamespaceLabels.initialise(area, version);
    labels.create(namespace(1));
    const before = area.bytes.slice();
    expect(() => labels.create(namespace(2, wrong))).toThrow(expect.objectContaining({ name: 'LabelError', code }));
    expect(Buffer.compare(area.bytes, before)).toBe(0);
  });

  it('take names of up to 63 bytes', () => {
    const labels = NamespaceLabels.initialise(fresh(), version);
    expect(labels.create(namespace(1, { name: 'é'.repeat(31) + 'e' })).name).toHaveLength(32);
    expect(labels.labels[0]?.name).toBe('é'.repeat(31) + 'e');
  });

  it('end when every label is in use', () => {
    const area = memoryLabelArea(version === '1.1' ? 768 : 1024);
    const labels = NamespaceLabels.initialise(area, version);
    labels.create(namespace(1));
    labels.create(namespace(2));
    expect(() => labels.create(namespace(3))).toThrow(expect.objectContaining({ code: 'no-slot' }));
    expect(() => NamespaceLabels.initialise(memoryLabelArea(512), version)).toThrow(expect.objectContaining({ code: 'area-too-small' }));
  });

  it('survive a power cut at any byte of any change: all of it was done, or nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('create') }, fc.constant('remove')), { minLength: 1, maxLength: 8 }), fc.nat(4096), (steps, tearAt) => {
        const [whole, torn] = [fresh(), fresh()];
        const [labels, cut] = [NamespaceLabels.initialise(whole, version), NamespaceLabels.initialise(torn, version)];
        torn.tearAt = torn.written + tearAt;
        const states: NamespaceLabel[][] = [[]];
        for (const [n, step] of steps.entries()) {
          for (const each of [labels, cut]) {
            const { uuid } = each.labels[0] ?? {};
            if (step === 'create') each.create(namespace(n + 1));
            else if (uuid !== undefined) each.remove(uuid);
          }
          states.push(labels.labels);
          // The one whose power has gone does not know it.
          if (torn.written >= torn.tearAt) break;
        }
        const left = NamespaceLabels.open(torn)?.labels;
        expect(states.slice(-2)).toContainEqual(left);
      }),
      { numRuns: 200 },
    );
  });
});

it('leaves no block of the version before, also where the blocks of the two have other sizes', () => {
  const area = memoryLabelArea(256 * 1024);
  const [older, newer] = versions.map((version) => labelGeometry(area.size, version)!);
  expect([older!.indexSize, newer!.indexSize]).toEqual([512, 256]);
  for (const [before, after, geometry] of [['1.1', '1.2', older!], ['1.2', '1.1', newer!]] as const) {
    NamespaceLabels.initialise(area, before);
    NamespaceLabels.initialise(area, after);
    expect([readIndex(area, geometry, 0), readIndex(area, geometry, 1)]).toEqual([undefined, undefined]);
    expect(NamespaceLabels.open(area)?.version).toBe(after);
  }
});

it('leaves out what is in use but damaged', () => {
  const area = memoryLabelArea(128 * 1024);
  const labels = NamespaceLabels.initialise(area);
  labels.create(namespace(1));
  labels.create(namespace(2));
  area.bytes[512 + Label.fields.Name.offset] = 0x41;
  expect(labels.labels.map(({ uuid }) => uuid)).toEqual([uuidOf(2)]);
});
