import { LabelError, NamespaceLabels, type NewNamespace } from '@vpmem/nvdimm';
import { memoryLabelArea, type MemoryLabelArea } from '@vpmem/nvdimm/testing';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { must, type Target } from '../target.ts';

const AREA_SIZES = [128, 1024, 2048, 4096, 8192, 32768];
const CAPACITY = 2 ** 24;
const MOST_OPERATIONS = 40;
/** Where the checksums are, and over how many bytes. */
const INDEX = { size: 256, checksum: 64 };
const LABEL = { size: 256, checksum: 248 };

/** UEFI 2.7 §13.19, Fletcher64, as whoever forges labels computes it. */
function seal(area: Uint8Array, at: number, { size, checksum }: { readonly size: number; readonly checksum: number }): void {
  const bytes = area.subarray(at, at + size);
  if (bytes.length < size) return;
  bytes.fill(0, checksum, checksum + 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  let [low, high] = [0, 0];
  for (let word = 0; word < size; word += 4) {
    low = (low + view.getUint32(word, true)) >>> 0;
    high = (high + low) >>> 0;
  }
  view.setUint32(checksum, low, true);
  view.setUint32(checksum + 4, high, true);
}

/** Puts bytes over the area: into one of the index blocks, or anywhere. */
function forge(area: Uint8Array, input: ByteReader): void {
  const kind = input.u8();
  const at = kind < 128 ? input.u8() + INDEX.size * input.below(2) : input.u32();
  const length = (kind & 1) === 0 ? 1 + input.below(4) : input.below(64);
  area.set(input.bytes(Math.min(length, area.length)), at % Math.max(1, area.length - 63));
}

/** What it gives; undefined for a mistake it reports. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof LabelError) return undefined;
    throw error;
  }
}

const uuidOf = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
const uuids = (area: MemoryLabelArea): string => JSON.stringify(NamespaceLabels.open(area)?.labels.map(({ uuid }) => uuid) ?? null);

/** Changes labels, and again with the power going in between: what is there then is the old or the new. Whether it was done. */
function change(area: MemoryLabelArea, input: ByteReader, forged: boolean, act: (labels: NamespaceLabels) => boolean): boolean {
  const before = { uuids: uuids(area), bytes: area.bytes.slice() };
  const done = actOn(area, act);
  if (forged || !done) return done;
  const after = { uuids: uuids(area), bytes: area.bytes.slice() };
  area.bytes.set(before.bytes);
  area.written = 0;
  area.tearAt = input.u16();
  actOn(area, act);
  area.tearAt = Number.POSITIVE_INFINITY;
  const torn = uuids(area);
  must(torn === before.uuids || torn === after.uuids, () => `a cut leaves ${torn}, neither ${before.uuids} nor ${after.uuids}`);
  area.bytes.set(after.bytes);
  return true;
}

function actOn(area: MemoryLabelArea, act: (labels: NamespaceLabels) => boolean): boolean {
  const labels = NamespaceLabels.open(area);
  return labels !== undefined && (attempt(() => act(labels)) ?? false);
}

function create(area: MemoryLabelArea, input: ByteReader, forged: boolean): void {
  const namespace: NewNamespace = { uuid: uuidOf(input.u8()), name: 'n'.repeat(input.below(70)), size: 4096 * input.u8(), capacity: CAPACITY, setCookie: input.u64() };
  if (!change(area, input, forged, (labels) => labels.create(namespace).rawSize === namespace.size)) return;
  const found = NamespaceLabels.open(area)?.labels.find(({ uuid }) => uuid === namespace.uuid);
  must(found?.rawSize === namespace.size && found.dpa + found.rawSize <= CAPACITY, () => `the new namespace reads back as ${found?.rawSize} bytes at ${found?.dpa}`);
}

function remove(area: MemoryLabelArea, input: ByteReader, forged: boolean): void {
  const uuid = uuidOf(input.u8());
  if (!change(area, input, forged, (labels) => labels.remove(uuid))) return;
  must(NamespaceLabels.open(area)?.labels.some((label) => label.uuid === uuid) === false, () => `${uuid} is there after it was removed`);
}

/** Namespace labels in an area with anything in it, and power that fails while they change. */
export const namespaceLabels: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const area = memoryLabelArea(input.pick(AREA_SIZES));
    let forged = false;
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) {
      switch (input.below(7)) {
        case 0:
          attempt(() => NamespaceLabels.initialise(area, input.u8() < 128 ? '1.2' : '1.1'));
          forged = false;
          break;
        case 1:
        case 2:
          create(area, input, forged);
          break;
        case 3:
          remove(area, input, forged);
          break;
        case 4:
          forge(area.bytes, input);
          forged = true;
          break;
        case 5:
          seal(area.bytes, INDEX.size * input.below(2), INDEX);
          forged = true;
          break;
        default:
          seal(area.bytes, 2 * INDEX.size + LABEL.size * input.u16(), LABEL);
          forged = true;
      }
    }
    const labels = NamespaceLabels.open(area);
    must(labels === undefined || (labels.freeSlots <= labels.slots && labels.labels.length <= labels.slots - labels.freeSlots), () => 'more labels than slots');
    must(area.outside === 0, () => `${area.outside} accesses outside of the area`);
  },
  seeds: [
    new ByteWriter().u8(3, 0, 0, 1, 1, 5, 2).u64(1n).u16(300).u8(2, 2, 0, 3).u64(1n).u16(600).u8(3, 1).u16(100).done,
    new ByteWriter().u8(2, 0, 200, 1, 1, 5, 2).u64(1n).u16(200).u8(4, 0, 56, 0, 0, 12, 5, 0, 5, 1, 6).u16(0).done,
  ],
  maxLength: 1024,
  maxSteps: (length) => 2 ** 20 + 20_000 * length,
  maxBytes: 2 ** 24,
};
