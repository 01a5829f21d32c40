import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DsmAnswer, DsmCall, LabelRange, LabelSize, MAX_LABEL_TRANSFER } from './dsm-layout.ts';
import { DsmResponder } from './dsm.ts';
import { memoryLabelArea, type MemoryLabelArea } from './testing.ts';

const PAGE = 4096;
const [ROOT, INTERNAL] = [0, 0x1_0000];
/** Devices of the tests by handle: with labels, without, with labels that cannot be written, and nothing. */
const [LABELLED, PLAIN, READ_ONLY, ABSENT] = [1, 2, 3, 4];

let fit: Uint8Array;
let area: MemoryLabelArea;
let readOnly: MemoryLabelArea;
let failures: [handle: number, error: unknown][];
let dsm: DsmResponder;
beforeEach(() => {
  fit = Uint8Array.from({ length: 9000 }, (_, i) => i * 7);
  area = memoryLabelArea(131_072);
  area.bytes.forEach((_, i) => (area.bytes[i] = i % 251));
  readOnly = memoryLabelArea(131_072, { writable: false });
  failures = [];
  dsm = new DsmResponder({
    device: (handle) => new Map([[LABELLED, { labels: area }], [PLAIN, { labels: undefined }], [READ_ONLY, { labels: readOnly }]]).get(handle),
    fit: () => fit,
    labelFailed: (handle, error) => failures.push([handle, error]),
  });
});

function makePage(handle: number, revision: number, fn: number, ...args: readonly (number | Uint8Array)[]): Uint8Array {
  const page = new Uint8Array(PAGE).fill(0xee);
  DsmCall.write(new DataView(page.buffer), 0, { handle, revision, function: fn });
  let at = 12;
  for (const each of args) {
    const bytes = typeof each === 'number' ? new Uint8Array(Uint32Array.of(each).buffer) : each;
    page.set(bytes, at);
    at += bytes.length;
  }
  return page;
}

/** The answer without its length, which has to be right. */
function ask(handle: number, fn: number, ...args: readonly (number | Uint8Array)[]): Buffer {
  const page = makePage(handle, 1, fn, ...args);
  const before = page.slice();
  dsm.answer(page);
  const { length } = DsmAnswer.decode(new DataView(page.buffer));
  expect(Buffer.compare(page.subarray(length), before.subarray(length))).toBe(0);
  return Buffer.from(page.subarray(4, length));
}
const word = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);

it('has the layouts of the page', () => {
  expect(Object.values(DsmCall.fields).map(({ offset }) => offset)).toEqual([0, 4, 8]);
  expect(Object.values(DsmAnswer.fields).map(({ offset }) => offset)).toEqual([0, 4]);
  expect([LabelRange.size, LabelSize.size, MAX_LABEL_TRANSFER]).toEqual([8, 8, 4076]);
});

describe('which functions there are', () => {
  it.each([
    ['the root', ROOT, 0],
    ['the internal object', INTERNAL, 0x3],
    ['a device with labels', LABELLED, 0x71],
    ['a device with labels that cannot be written', READ_ONLY, 0x71],
    ['a device without labels', PLAIN, 0],
    ['an empty slot', ABSENT, 0],
    ['no slot at all', 0xffff_ffff, 0],
  ])('%s says in function 0', (_, handle, mask) => {
    expect(ask(handle, 0)).toEqual(word(mask));
  });

  it.each([
    ['the root', ROOT, 1, 1],
    ['the internal object', INTERNAL, 2, 1],
    ['a device with labels', LABELLED, 1, 1],
    ['a device with labels', LABELLED, 7, 1],
    ['a device without labels', PLAIN, 4, 1],
    ['a device without labels', PLAIN, 5, 1],
    ['a device without labels', PLAIN, 6, 1],
    ['an empty slot', ABSENT, 4, 2],
    ['an empty slot', ABSENT, 9, 2],
    ['no slot at all', 0x1_0001, 1, 2],
  ])('%s has no function %#: status', (_, handle, fn, status) => {
    expect(ask(handle, fn)).toEqual(word(status));
  });

  it.each([ROOT, INTERNAL, LABELLED, PLAIN, ABSENT])('handle %i supports no revision but 1, not even to say so', (handle) => {
    for (const revision of [0, 2, 0xffff_ffff]) {
      for (const fn of [0, 1, 4]) {
        const page = makePage(handle, revision, fn);
        dsm.answer(page);
        expect(Buffer.from(page.subarray(0, 8))).toEqual(word(8, 1));
      }
    }
  });
});

describe('Read FIT', () => {
  const read = (offset: number): Buffer => ask(INTERNAL, 1, offset);

  it('gives at most what the page holds, and nothing at the end', () => {
    expect(read(0)).toEqual(Buffer.concat([word(0), fit.subarray(0, 4088)]));
    expect(read(4088)).toEqual(Buffer.concat([word(0), fit.subarray(4088, 8176)]));
    expect(read(8176)).toEqual(Buffer.concat([word(0), fit.subarray(8176)]));
    expect(read(9000)).toEqual(word(0));
  });

  it('refuses an offset beyond the end', () => {
    expect(read(9001)).toEqual(word(3));
    expect(read(0xffff_ffff)).toEqual(word(3));
  });

  it('says that the FIT has changed to whoever has read a part, until it is read from the start', () => {
    read(0);
    dsm.fitChanged();
    expect(read(4088)).toEqual(word(0x100));
    expect(read(4088)).toEqual(word(0x100));
    expect(read(0).readUInt32LE()).toBe(0);
    expect(read(4088).readUInt32LE()).toBe(0);
  });
});

describe('labels', () => {
  it('tells their size and the most that can be moved at once', () => {
    expect(ask(LABELLED, 4)).toEqual(word(0, 131_072, 4076));
  });

  it('reads any range of the area', () => {
    expect(ask(LABELLED, 5, 1000, 3)).toEqual(Buffer.concat([word(0), area.bytes.subarray(1000, 1003)]));
    expect(ask(LABELLED, 5, 131_072 - 4076, 4076)).toEqual(Buffer.concat([word(0), area.bytes.subarray(131_072 - 4076)]));
    // A transfer of nothing is within every range; QEMU 11.1.3 aborts over it.
    expect(ask(LABELLED, 5, 131_072, 0)).toEqual(word(0));
  });

  it('writes a range and nothing beside it', () => {
    const before = area.bytes.slice();
    expect(ask(LABELLED, 6, 131_070, 2, Uint8Array.of(1, 2))).toEqual(word(0));
    before.set([1, 2], 131_070);
    expect(Buffer.compare(area.bytes, before)).toBe(0);
    expect(ask(LABELLED, 6, 5, 4076, new Uint8Array(4076).fill(9))).toEqual(word(0));
    expect([...area.bytes.subarray(4, 4083)]).toEqual([4, ...new Array<number>(4076).fill(9), 4081 % 251, 4082 % 251]);
  });

  it.each([
    ['more than there is', 131_072, 1],
    ['one byte beyond the end', 131_069, 4],
    ['more than the page holds', 0, 4077],
    ['an offset and length that wrap', 0xffff_ffff, 2],
    ['a length that wraps', 2, 0xffff_ffff],
  ])('refuses %s', (_, offset, length) => {
    const before = area.bytes.slice();
    expect(ask(LABELLED, 5, offset, length)).toEqual(word(3));
    expect(ask(LABELLED, 6, offset, length)).toEqual(word(3));
    expect(Buffer.compare(area.bytes, before)).toBe(0);
  });

  it('does not support writing where that is impossible', () => {
    expect(ask(READ_ONLY, 6, 0, 1)).toEqual(word(1));
    expect(ask(READ_ONLY, 5, 0, 1)).toEqual(Buffer.concat([word(0), Buffer.of(0)]));
  });

  it('answers for storage that fails with a status, and tells the host', () => {
    area.fail = new Error('EIO');
    expect(ask(LABELLED, 5, 0, 16)).toEqual(word(4));
    expect(ask(LABELLED, 6, 0, 16)).toEqual(word(4));
    expect(failures).toEqual([[LABELLED, area.fail], [LABELLED, area.fail]]);
  });
});

describe('any page', () => {
  const interesting = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 16, 4076, 4077, 131_071, 131_072, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
  const words = fc.oneof({ weight: 3, arbitrary: interesting }, fc.nat(0xffff_ffff));

  const mostly = (usual: fc.Arbitrary<number>): fc.Arbitrary<number> => fc.oneof({ weight: 5, arbitrary: usual }, words);
  const [handles, revisions, fns] = [mostly(fc.constantFrom(0, 1, 1, 2, 3, 4, 0x1_0000)), mostly(fc.constant(1)), mostly(fc.constantFrom(0, 1, 4, 5, 6, 6))];
  const [offsets, lengths] = [mostly(fc.nat(131_072)), mostly(fc.nat(4100))];

  it('gets an answer that lies in the page, and touches only the label area', () => {
    fc.assert(
      fc.property(handles, revisions, fns, offsets, lengths, fc.nat(255), (handle, revision, fn, offset, length, filling) => {
        const page = makePage(handle, revision, fn, offset, length);
        page.fill(filling, 20);
        const before = page.slice();
        dsm.answer(page);
        const answer = DsmAnswer.decode(new DataView(page.buffer));
        expect(answer.length).toBeGreaterThanOrEqual(8);
        expect(answer.length).toBeLessThanOrEqual(PAGE);
        expect(Buffer.compare(page.subarray(answer.length), before.subarray(answer.length))).toBe(0);
        expect(area.outside + readOnly.outside + readOnly.writes).toBe(0);
      }),
      { numRuns: 2000 },
    );
    // Some of them have to have got as far as that.
    expect(area.writes).toBeGreaterThan(0);
    expect(failures).toEqual([]);
  });

  it('is copied before it is looked at: what the label area does to it meanwhile has no effect', () => {
    const page = makePage(LABELLED, 1, 6, 0, 4, Uint8Array.of(1, 2, 3, 4));
    area.before = () => page.fill(0xff);
    dsm.answer(page);
    expect([...area.bytes.subarray(0, 5)]).toEqual([1, 2, 3, 4, 4]);
  });

  it('has to be whole', () => {
    expect(() => dsm.answer(new Uint8Array(4095))).toThrow(/4095 bytes.*4096/);
  });
});
