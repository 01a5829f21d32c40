import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hiddenDataError, inspectHiddenTail, type HiddenTail } from './hidden-tail.ts';
import { BackendLabelArea } from './label-area.ts';
import type { LabelVersion } from './label-layout.ts';
import { NamespaceLabels } from './namespace-labels.ts';
import { layOutNvdimm } from '../nvdimm-layout.ts';

const MIB = 2 ** 20;
const [OFFSET, SIZE] = [4096, 8 * MIB];
const layout = layOutNvdimm({ id: 'mem1', size: SIZE, align: 2 * MIB, readonly: false }, { labelSize: 128 * 1024 });

let folder: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-tail-'));
  fd = openSync(join(folder, 'store'), 'w+');
  ftruncateSync(fd, OFFSET + SIZE + 4096);
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const look = (of = layout): HiddenTail => inspectHiddenTail({ fd, offset: OFFSET }, SIZE, of);
const put = (at: number): number => writeSync(fd, Uint8Array.of(1), 0, 1, OFFSET + at);

describe('inspectHiddenTail', () => {
  it('finds a tail of zeroes blank, whatever lies before and behind it', () => {
    put(layout.pmemSize - 1);
    put(SIZE);
    expect(look()).toEqual({ kind: 'blank' });
  });

  it.each([
    ['the first byte of the gap', layout.pmemSize],
    ['the last byte of the gap', layout.labelOffset - 1],
    ['the first byte of the label area', layout.labelOffset],
    ['the last byte of the backend', SIZE - 1],
  ])('finds data in %s', (_, at) => {
    put(at);
    expect(look()).toEqual({ kind: 'data', offset: at });
  });

  it.each<LabelVersion>(['1.1', '1.2'])('finds labels of version %s, also with one index block damaged', (version) => {
    const area = new BackendLabelArea({ fd, offset: OFFSET }, { start: layout.labelOffset, size: layout.labelSize, writable: true });
    NamespaceLabels.initialise(area, version).create({ uuid: '01020304-0506-4708-890a-0b0c0d0e0f10', size: MIB, capacity: MIB, setCookie: 1n });
    expect(look()).toEqual({ kind: 'labels' });
    area.write(0, new Uint8Array(256));
    expect(look()).toEqual({ kind: 'labels' });
    area.write(256, new Uint8Array(256));
    expect(look()).toEqual({ kind: 'data', offset: layout.labelOffset + 512 });
  });

  it('takes labels of an area of another size for data', () => {
    const start = SIZE - 256 * 1024;
    NamespaceLabels.initialise(new BackendLabelArea({ fd, offset: OFFSET }, { start, size: 256 * 1024, writable: true }));
    expect(look()).toEqual({ kind: 'data', offset: start });
  });

  it('has nothing to look at where there are no labels', () => {
    put(SIZE - 1);
    expect(look(layOutNvdimm({ id: 'mem1', size: SIZE, align: 4096, readonly: false }))).toEqual({ kind: 'blank' });
  });

  it('changes nothing', () => {
    put(SIZE - 1);
    const before = readFileSync(join(folder, 'store'));
    look();
    expect(readFileSync(join(folder, 'store')).equals(before)).toBe(true);
  });
});

it('hiddenDataError names option, backend and sizes, and what would be right', () => {
  expect(hiddenDataError('mem1', SIZE, layout, 8_300_000)).toMatchObject({
    code: 'hidden-data',
    property: 'label-size',
    message: expect.stringMatching(/label-size 131072 would hide the last 2097152 bytes of memdev 'mem1'.*byte 8300000.*131072 bytes larger, leave label-size out/) as string,
  });
});
