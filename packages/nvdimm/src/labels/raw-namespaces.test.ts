import { beforeEach, describe, expect, it } from 'vitest';
import { interleaveSetCookie } from './interleave-set.ts';
import { labelGeometry } from './label-index.ts';
import type { LabelVersion } from './label-layout.ts';
import { decodeLabel, encodeLabel, type NamespaceLabel } from './namespace-label.ts';
import { NamespaceLabels } from './namespace-labels.ts';
import { rawNamespaces } from './raw-namespaces.ts';
import { memoryLabelArea, type MemoryLabelArea } from '../testing.ts';

const MIB = 2 ** 20;
const nvdimm = { identity: { serialNumber: 0x12_3456, vendorId: 0x8086 }, size: 16 * MIB };
const uuid = (last: number): string => `6a1ecb18-9d36-4c53-8a37-11c8d6a52e0${last}`;

describe.each<LabelVersion>(['1.1', '1.2'])('namespaces of labels of version %s', (version) => {
  let area: MemoryLabelArea;
  beforeEach(() => {
    area = memoryLabelArea(128 * 1024);
    const labels = NamespaceLabels.initialise(area, version);
    const setCookie = interleaveSetCookie(nvdimm.identity, version);
    labels.create({ uuid: uuid(1), name: 'high', size: 4 * MIB, dpa: 8 * MIB, capacity: nvdimm.size, setCookie });
    labels.create({ uuid: uuid(2), size: 2 * MIB, capacity: nvdimm.size, setCookie });
  });
  /** Changes the label of a slot behind everybody's back. */
  function change(slot: number, values: Partial<NamespaceLabel>): void {
    const { indexSize, labelSize } = labelGeometry(area.size, version)!;
    const at = 2 * indexSize + slot * labelSize;
    const label = decodeLabel(area.bytes.subarray(at, at + labelSize), version, slot)!;
    area.bytes.set(encodeLabel({ ...label, ...values }, version, slot), at);
  }
  function choose(): { readonly names: string[]; readonly said: string[] } {
    const said: string[] = [];
    const found = rawNamespaces(NamespaceLabels.open(area)!, nvdimm, (text) => said.push(text));
    return { names: found.map(({ name }) => name), said };
  }

  it('come by address', () => {
    expect(rawNamespaces(NamespaceLabels.open(area)!, nvdimm, () => expect.unreachable())).toEqual([
      { uuid: uuid(2), name: '', dpa: 0, size: 2 * MIB },
      { uuid: uuid(1), name: 'high', dpa: 8 * MIB, size: 4 * MIB },
    ]);
  });

  it.each<[Partial<NamespaceLabel>, string]>([
    [{ flags: 2 }, 'it is not memory that can be mapped'],
    [{ labelCount: 2 }, 'it is on 2 NVDIMMs'],
    [{ position: 1 }, 'it is on 1 NVDIMMs'],
    [{ setCookie: 77n }, 'its label was written for another NVDIMM'],
    [{ dpa: 14 * MIB }, `${4 * MIB} bytes at ${14 * MIB} do not lie on an NVDIMM of ${16 * MIB}`],
    [{ rawSize: 0 }, `0 bytes at ${8 * MIB} do not lie on an NVDIMM of ${16 * MIB}`],
  ])('a label with %o is left alone', (values, why) => {
    change(0, values);
    expect(choose()).toEqual({ names: [''], said: [`namespace 'high' is left alone: ${why}`] });
  });

  it.each<[Partial<NamespaceLabel>, string]>([
    [{ uuid: uuid(1) }, `namespace ${uuid(1)} is left alone: another label has its UUID`],
    [{ dpa: 7 * MIB }, `namespace ${uuid(2)} is left alone: it overlaps another`],
  ])('of two that cannot both be, the first counts: %o', (values, why) => {
    change(1, values);
    expect(choose()).toEqual({ names: ['high'], said: [why] });
  });

  // Version 1.1 does not say what kind of memory it is, nor how it is used.
  const kinds: [Partial<NamespaceLabel>, string][] = [
    [{ typeGuid: '91af0530-5d86-470e-a6b0-0a2db9408249' }, 'its type is 91af0530-5d86-470e-a6b0-0a2db9408249, which is not persistent memory'],
    [{ abstractionGuid: '18633bfc-1735-4217-8ac9-17239282d3f8' }, 'it is not raw memory but used through 18633bfc-1735-4217-8ac9-17239282d3f8'],
  ];
  it.each(version === '1.1' ? [] : kinds)('a label with %o is left alone', (values, why) => {
    change(0, values);
    expect(choose().said).toEqual([`namespace 'high' is left alone: ${why}`]);
  });

  it('leave room: the longest stretch between them', () => {
    expect(NamespaceLabels.open(area)!.room(nvdimm.size)).toEqual({ dpa: 2 * MIB, size: 6 * MIB });
    expect(NamespaceLabels.open(area)!.room(20 * MIB)).toEqual({ dpa: 12 * MIB, size: 8 * MIB });
    expect(NamespaceLabels.initialise(area, version).room(nvdimm.size)).toEqual({ dpa: 0, size: 16 * MIB });
    expect(NamespaceLabels.initialise(area, version).room(0)).toEqual({ dpa: 0, size: 0 });
  });
});
