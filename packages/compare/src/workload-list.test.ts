import { expect, it } from 'vitest';
import { AREA, lastSeen, PAGE, progress, recordOffset, WORKLOAD_NAMES } from './workload.ts';
import { workload, workloads } from './workload-list.ts';

it.each([
  ['stores', 16, 16, 0, 16],
  ['stores-fsync', 16, 16, 16, 16],
  ['log', 16, 16, 0, 16],
  ['log-fsync', 16, 16, 15, 15],
  ['torn', 16, 15, 15, 15],
  ['torn-checksum', 16, 15, 15, 15],
] as const)('%s begins %i records, stores %i whole, fsyncs %i, believes in %i', (name, ...counts) => {
  const { begun, stored, fsynced, believed } = progress(workload(name));
  expect([begun, stored, fsynced, believed].map(({ length }) => length)).toEqual(counts);
});

it.each(WORKLOAD_NAMES)('%s stays in the area, writes nothing twice, and leaves no zeros where it stores', (name) => {
  const { steps, records } = workload(name);
  const touched = Buffer.alloc(AREA);
  for (const step of steps) {
    if (step.kind === 'fsync') continue;
    expect(step.offset + step.length).toBeLessThanOrEqual(AREA);
    expect(touched.subarray(step.offset, step.offset + step.length).includes(1)).toBe(false);
    touched.fill(1, step.offset, step.offset + step.length);
  }
  const seen = lastSeen(workload(name));
  const words = Array.from({ length: AREA / 8 }, (_, i) => 8 * i);
  expect(words.filter((at) => (seen.readBigUInt64LE(at) !== 0n) !== (touched[at] === 1))).toEqual([]);
  records.forEach((_, i) => expect(recordOffset(workload(name), i) % PAGE).toBe(0));
});

it('tears the last record in the middle of a page', () => {
  const seen = lastSeen(workload('torn'));
  const last = recordOffset(workload('torn'), 15);
  expect(seen[last + 1.5 * PAGE - 1]).not.toBe(0);
  expect(seen.subarray(last + 1.5 * PAGE).every((byte) => byte === 0)).toBe(true);
});

it('comes in one order, whatever the order of the names', () => {
  expect(workloads(['torn', 'stores']).map(({ name }) => name)).toEqual(['stores', 'torn']);
});

it('stores letters where the processor stores, as no program can store anything else by itself', () => {
  for (const { style, records } of workloads()) expect(records.every((bytes) => bytes.every((byte) => byte === bytes[0]))).toBe(style === 'mapped');
});
