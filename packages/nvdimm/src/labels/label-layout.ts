import { bytes, le16, le32, le64, le64big, struct, u8 } from '@vpmem/layout';
import { asciiBytes } from '../bytes.ts';

/** UEFI 2.7 §13.19, EFI_NVDIMM_LABEL_INDEX_BLOCK; its free bitmap follows, one bit a label, 1 for a free one. */
export const LabelIndexBlock = struct('EFI_NVDIMM_LABEL_INDEX_BLOCK', {
  Sig: bytes(16),
  Flags: bytes(3),
  /** A label has 128 << LabelSize bytes. */
  LabelSize: u8,
  Seq: le32,
  MyOff: le64,
  MySize: le64,
  OtherOff: le64,
  LabelOff: le64,
  NSlot: le32,
  Major: le16,
  Minor: le16,
  Checksum: le64big,
});
export const INDEX_SIGNATURE = asciiBytes('NAMESPACE_INDEX\0');
/** Index blocks are a multiple of this long. */
export const INDEX_ALIGNMENT = 256;

/** The label of version 1.1, and what one of version 1.2 begins with. */
export const LabelV1_1 = struct('EFI_NVDIMM_LABEL 1.1', {
  Uuid: bytes(16),
  Name: bytes(64),
  Flags: le32,
  NLabel: le16,
  Position: le16,
  SetCookie: le64big,
  LbaSize: le64,
  Dpa: le64,
  RawSize: le64,
  Slot: le32,
  Alignment: u8,
  Reserved: bytes(3),
});

/** UEFI 2.7 §13.19, EFI_NVDIMM_LABEL */
export const Label = struct('EFI_NVDIMM_LABEL', {
  ...LabelV1_1.members,
  TypeGuid: bytes(16),
  AddressAbstractionGuid: bytes(16),
  Reserved1: bytes(88),
  Checksum: le64big,
});
/** Flags bit 1: the namespace is reached through a window that moves over its DIMM, and not mapped. */
export const LABEL_LOCAL = 1 << 1;
/** Flags bit 3: the label is not to be used, somebody has not finished changing it. */
export const LABEL_UPDATING = 1 << 3;

/** The label formats there are, by their version 1.MINOR. */
export const LABEL_SIZES = { '1.1': LabelV1_1.size, '1.2': Label.size } as const;
/** A version of the namespace labels. */
export type LabelVersion = keyof typeof LABEL_SIZES;
