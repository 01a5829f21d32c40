import { formatGuid, formatUuid, parseUuid } from '../guid.ts';
import type { LabelArea } from './label-area.ts';
import { LabelError } from './label-error.ts';
import { currentIndex, labelGeometry, nextSequence, writeIndex, type LabelIndex } from './label-index.ts';
import { LabelV1_1, type LabelVersion } from './label-layout.ts';
import { decodeLabel, encodeLabel, LABEL_UNIT, type NamespaceLabel } from './namespace-label.ts';
import { PERSISTENT_MEMORY_GUID } from '../acpi/nfit-layout.ts';

/** What a new namespace shall be: raw memory on one NVDIMM, as `ndctl create-namespace --mode=raw` makes. */
export interface NewNamespace {
  readonly uuid: string;
  /** Up to 63 bytes of UTF-8; default none. */
  readonly name?: string;
  /** Bytes; a multiple of 4096. Linux maps only what is a multiple of 2 MiB. */
  readonly size: number;
  /** Where on the NVDIMM, in bytes; by default the first place with room. */
  readonly dpa?: number;
  /** Bytes of the NVDIMM that the guest sees. */
  readonly capacity: number;
  /** See {@link interleaveSetCookie}. */
  readonly setCookie: bigint;
}

const VERSIONS: readonly LabelVersion[] = ['1.1', '1.2'];
const NAME_BYTES = LabelV1_1.fields.Name.size - 1;

/** The namespaces in a label area, in the format that Linux, UEFI and ndctl use. One at a time may have an area open. */
export class NamespaceLabels {
  readonly #area: LabelArea;
  #index: LabelIndex;

  /** The labels of an area; undefined if neither index block is valid. @throws Error if the storage fails */
  static open(area: LabelArea): NamespaceLabels | undefined {
    const index = currentIndex(area);
    return index === undefined ? undefined : new NamespaceLabels(area, index);
  }

  /** Makes an area that has no labels, whatever was in it. @throws LabelError */
  static initialise(area: LabelArea, version: LabelVersion = '1.2'): NamespaceLabels {
    const geometry = labelGeometry(area.size, version);
    if (geometry === undefined) throw new LabelError('area-too-small', `a label area of ${area.size} bytes has no room for two labels`);
    const used = new Array<boolean>(geometry.slots).fill(false);
    const first: LabelIndex = { geometry, which: 0, sequence: 3, used };
    // A block of the other version could otherwise still be valid where none of these two lies, and Linux takes 1.1 first.
    const blocks = VERSIONS.map((each) => 2 * (labelGeometry(area.size, each)?.indexSize ?? 0));
    area.write(0, new Uint8Array(Math.max(...blocks)));
    writeIndex(area, { geometry, which: 1, sequence: 2, used });
    writeIndex(area, first);
    return new NamespaceLabels(area, first);
  }

  private constructor(area: LabelArea, index: LabelIndex) {
    this.#area = area;
    this.#index = index;
  }

  get version(): LabelVersion {
    return this.#index.geometry.version;
  }

  /** How many labels there is room for, and for how many more. */
  get slots(): number {
    return this.#index.geometry.slots;
  }
  get freeSlots(): number {
    return this.#index.used.filter((used) => !used).length;
  }

  /** The valid labels in the order of their slots. */
  get labels(): NamespaceLabel[] {
    return this.#entries().map(({ label }) => label);
  }

  /** The longest stretch of an NVDIMM of `capacity` bytes that no label has. */
  room(capacity: number): { readonly dpa: number; readonly size: number } {
    const stretches: { dpa: number; size: number }[] = [];
    let dpa = 0;
    for (const label of this.labels.sort((a, b) => a.dpa - b.dpa)) {
      stretches.push({ dpa, size: label.dpa - dpa });
      dpa = Math.max(dpa, label.dpa + label.rawSize);
    }
    stretches.push({ dpa, size: capacity - dpa });
    const longest = stretches.reduce((most, each) => (each.size > most.size ? each : most));
    return longest.size > 0 ? longest : { dpa: 0, size: 0 };
  }

  /** Writes the label of a new namespace; a power cut leaves it there or not. @throws LabelError */
  create(namespace: NewNamespace): NamespaceLabel {
    const label = this.#plan(namespace);
    const slot = this.#index.used.indexOf(false);
    if (slot === -1) throw new LabelError('no-slot', `all ${this.slots} labels are in use; remove a namespace first`);
    this.#area.write(this.#offset(slot), encodeLabel(label, this.version, slot));
    this.#commit((_, each) => each === slot || this.#index.used[each] === true);
    return label;
  }

  /** Frees all labels of a namespace. False if there is none with that UUID. */
  remove(uuid: string): boolean {
    const slots = this.#entries().flatMap(({ label, slot }) => (label.uuid === uuid.toLowerCase() ? [slot] : []));
    if (slots.length === 0) return false;
    this.#commit((used, slot) => used && !slots.includes(slot));
    return true;
  }

  #plan({ uuid, name = '', size, dpa, capacity, setCookie }: NewNamespace): NamespaceLabel {
    const bytes = parseUuid(uuid);
    if (bytes === undefined) throw new LabelError('bad-uuid', `'${uuid}' is no UUID`);
    if (new TextEncoder().encode(name).length > NAME_BYTES) throw new LabelError('bad-name', `the name '${name}' is longer than ${NAME_BYTES} bytes`);
    if (size <= 0 || size % LABEL_UNIT !== 0) throw new LabelError('bad-range', `size ${size} is not a multiple of ${LABEL_UNIT}`);
    if (dpa !== undefined && (dpa < 0 || dpa % LABEL_UNIT !== 0)) throw new LabelError('bad-range', `address ${dpa} is not a multiple of ${LABEL_UNIT}`);
    const labels = this.labels;
    if (labels.some((label) => label.uuid === formatUuid(bytes))) throw new LabelError('uuid-in-use', `there is a namespace ${uuid} already`);
    const start = findRoom(labels, size, capacity, dpa);
    if (start === undefined) {
      const where = dpa === undefined ? '' : ` at ${dpa}`;
      throw new LabelError('no-room', `there is no room for ${size} bytes${where} among ${labels.length} labels on ${capacity} bytes`);
    }
    const common = { uuid: formatUuid(bytes), name, flags: 0, labelCount: 1, position: 0, setCookie, lbaSize: 0, dpa: start, rawSize: size };
    return this.version === '1.1' ? common : { ...common, typeGuid: formatGuid(PERSISTENT_MEMORY_GUID), abstractionGuid: formatGuid(new Uint8Array(16)) };
  }

  /** The other block becomes the current one, in one write: until it is whole, the present one counts. */
  #commit(used: (before: boolean, slot: number) => boolean): void {
    const { geometry, which, sequence } = this.#index;
    const next: LabelIndex = { geometry, which: which === 0 ? 1 : 0, sequence: nextSequence(sequence), used: this.#index.used.map(used) };
    writeIndex(this.#area, next);
    this.#index = next;
  }

  #entries(): { readonly label: NamespaceLabel; readonly slot: number }[] {
    return this.#index.used.flatMap((used, slot) => {
      if (!used) return [];
      const label = decodeLabel(this.#area.read(this.#offset(slot), this.#index.geometry.labelSize), this.version, slot);
      return label === undefined ? [] : [{ label, slot }];
    });
  }

  #offset(slot: number): number {
    const { indexSize, labelSize } = this.#index.geometry;
    return 2 * indexSize + slot * labelSize;
  }
}

/** Where a range goes: the place asked for if it is free, or else the first that is. */
function findRoom(labels: readonly NamespaceLabel[], size: number, capacity: number, dpa: number | undefined): number | undefined {
  const taken = labels.map(({ dpa: start, rawSize }) => ({ start, end: start + rawSize }));
  const free = (start: number): boolean => start + size <= capacity && taken.every((range) => start + size <= range.start || range.end <= start);
  const places = dpa === undefined ? [0, ...taken.map(({ end }) => end).sort((a, b) => a - b)] : [dpa];
  return places.find(free);
}
