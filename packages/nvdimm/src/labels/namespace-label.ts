import { viewOf } from '../bytes.ts';
import { checksumWithout } from './fletcher64.ts';
import { formatGuid, formatUuid, guid, uuid } from '../guid.ts';
import { Label, LABEL_UPDATING, LabelV1_1, type LabelVersion } from './label-layout.ts';

/** A label: one piece of a namespace on this NVDIMM. Addresses and sizes in bytes. */
export interface NamespaceLabel {
  readonly uuid: string;
  /** What people call it; up to 63 bytes of UTF-8. */
  readonly name: string;
  readonly flags: number;
  /** How many labels the namespace has, and which of them this is. */
  readonly labelCount: number;
  readonly position: number;
  /** Which set of NVDIMMs it belongs to; see {@link interleaveSetCookie}. */
  readonly setCookie: bigint;
  /** 0 for the default, else 512 or 4096. */
  readonly lbaSize: number;
  /** Where on the NVDIMM it begins. */
  readonly dpa: number;
  readonly rawSize: number;
  /** Kind of memory, and how it is used; both only in version 1.2. */
  readonly typeGuid?: string;
  readonly abstractionGuid?: string;
}

/** Linux ignores labels whose range is not whole pages. */
export const LABEL_UNIT = 4096;

/** The label in these bytes if it is that of `slot`, whole, and in use. */
export function decodeLabel(bytes: Uint8Array, version: LabelVersion, slot: number): NamespaceLabel | undefined {
  const view = viewOf(bytes);
  const label = LabelV1_1.decode(view);
  if (label.Slot !== slot || label.Dpa % LABEL_UNIT !== 0 || label.RawSize % LABEL_UNIT !== 0 || (label.Flags & LABEL_UPDATING) !== 0) return undefined;
  const common = {
    uuid: formatUuid(label.Uuid),
    name: text(label.Name),
    flags: label.Flags,
    labelCount: label.NLabel,
    position: label.Position,
    setCookie: label.SetCookie,
    lbaSize: label.LbaSize,
    dpa: label.Dpa,
    rawSize: label.RawSize,
  };
  if (version === '1.1') return common;
  const { Checksum, TypeGuid, AddressAbstractionGuid } = Label.decode(view);
  if (Checksum !== checksumWithout(bytes, Label.fields.Checksum)) return undefined;
  return { ...common, typeGuid: formatGuid(TypeGuid), abstractionGuid: formatGuid(AddressAbstractionGuid) };
}

/** The bytes of a label for `slot`. */
export function encodeLabel(label: NamespaceLabel, version: LabelVersion, slot: number): Uint8Array {
  const common = {
    Uuid: uuid(label.uuid),
    Name: new TextEncoder().encode(label.name),
    Flags: label.flags,
    NLabel: label.labelCount,
    Position: label.position,
    SetCookie: label.setCookie,
    LbaSize: label.lbaSize,
    Dpa: label.dpa,
    RawSize: label.rawSize,
    Slot: slot,
  };
  if (version === '1.1') return LabelV1_1.encode(common);
  const bytes = Label.encode({ ...common, TypeGuid: guid(label.typeGuid ?? NO_GUID), AddressAbstractionGuid: guid(label.abstractionGuid ?? NO_GUID) });
  Label.fields.Checksum.set(new DataView(bytes.buffer), 0, checksumWithout(bytes, Label.fields.Checksum));
  return bytes;
}

const NO_GUID = '00000000-0000-0000-0000-000000000000';

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  // A name may begin with what would be a mark of byte order in a file.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(end === -1 ? bytes : bytes.subarray(0, end));
}
