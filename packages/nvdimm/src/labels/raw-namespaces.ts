import { formatGuid } from '../guid.ts';
import { interleaveSetCookie, type DimmIdentity } from './interleave-set.ts';
import { LABEL_LOCAL } from './label-layout.ts';
import type { NamespaceLabel } from './namespace-label.ts';
import type { NamespaceLabels } from './namespace-labels.ts';
import { PERSISTENT_MEMORY_GUID } from '../acpi/nfit-layout.ts';

/** A namespace that is plain memory, which an operating system makes a disk of. In bytes. */
export interface RawNamespace {
  readonly uuid: string;
  readonly name: string;
  /** From the NVDIMM's beginning. */
  readonly dpa: number;
  readonly size: number;
}

/** What of an NVDIMM decides whether a label is about it. */
export interface LabelledNvdimm {
  readonly identity: DimmIdentity;
  /** Bytes. */
  readonly size: number;
}

const NO_GUID = formatGuid(new Uint8Array(16));

/** The namespaces of an NVDIMM that is a set of its own, by address, as Linux chooses them. `problem` hears in a line why a label is none of them. */
export function rawNamespaces(labels: NamespaceLabels, nvdimm: LabelledNvdimm, problem: (text: string) => void): RawNamespace[] {
  const cookie = interleaveSetCookie(nvdimm.identity, labels.version);
  const chosen: NamespaceLabel[] = [];
  for (const label of labels.labels) {
    const why = unusable(label, cookie, nvdimm.size) ?? clash(label, chosen);
    if (why === undefined) chosen.push(label);
    else problem(`namespace ${label.name === '' ? label.uuid : `'${label.name}'`} is left alone: ${why}`);
  }
  return chosen.sort((a, b) => a.dpa - b.dpa).map(({ uuid, name, dpa, rawSize }) => ({ uuid, name, dpa, size: rawSize }));
}

function unusable(label: NamespaceLabel, cookie: bigint, capacity: number): string | undefined {
  const { flags, labelCount, position, typeGuid, abstractionGuid = NO_GUID } = label;
  if ((flags & LABEL_LOCAL) !== 0) return 'it is not memory that can be mapped';
  if (labelCount !== 1 || position !== 0) return `it is on ${labelCount} NVDIMMs`;
  if (label.setCookie !== cookie) return 'its label was written for another NVDIMM';
  if (typeGuid !== undefined && typeGuid !== formatGuid(PERSISTENT_MEMORY_GUID)) return `its type is ${typeGuid}, which is not persistent memory`;
  if (abstractionGuid !== NO_GUID) return `it is not raw memory but used through ${abstractionGuid}`;
  if (label.rawSize > 0 && label.dpa + label.rawSize <= capacity) return undefined;
  return `${label.rawSize} bytes at ${label.dpa} do not lie on an NVDIMM of ${capacity}`;
}

function clash(label: NamespaceLabel, others: readonly NamespaceLabel[]): string | undefined {
  if (others.some(({ uuid }) => uuid === label.uuid)) return 'another label has its UUID';
  const overlaps = others.some(({ dpa, rawSize }) => label.dpa < dpa + rawSize && dpa < label.dpa + label.rawSize);
  return overlaps ? 'it overlaps another' : undefined;
}
