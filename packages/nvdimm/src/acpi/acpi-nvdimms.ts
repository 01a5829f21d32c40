import { TableHeader } from './acpi-table.ts';
import type { AcpiNamespace } from './acpi-namespace.ts';
import { toBytes, toInteger, toPackage, type AmlValue } from '../aml/aml-value.ts';
import { concatBytes } from '../bytes.ts';
import type { DimmIdentity } from '../labels/interleave-set.ts';
import type { LabelArea } from '../labels/label-area.ts';
import { readFit, type FoundRange } from './fit-reader.ts';

/** An NVDIMM as an operating system finds it. Addresses and sizes in bytes. */
export interface FoundNvdimm extends FoundRange {
  /** What tells it from others; goes into the labels' cookie. */
  readonly identity: DimmIdentity;
  /** Its labels, through `_LSI`, `_LSR` and `_LSW`; undefined if it has none. @throws Error if the platform fails */
  labels(): LabelArea | undefined;
}

/** ACPI 6.5 §9.19.2: the root device. */
const HID = 'ACPI0012';
const NFIT_RESERVED = 4;

/** All NVDIMMs below root devices: by what `_FIT` says now, or by the NFIT where there is no such method. @throws Error for structures that make no sense */
export function findNvdimms(namespace: AcpiNamespace, nfit?: Uint8Array): FoundNvdimm[] {
  return rootDevices(namespace).flatMap((root) => {
    const structures = namespace.has(`${root}._FIT`) ? toBytes(namespace.evaluate(`${root}._FIT`)) : (nfit?.subarray(TableHeader.size + NFIT_RESERVED) ?? new Uint8Array(0));
    const children = namespace.devices.filter((path) => path.startsWith(`${root}.`));
    const byHandle = new Map(children.map((path) => [toInteger(namespace.evaluate(`${path}._ADR`)), path] as const));
    return readFit(structures).map((range) => {
      const path = byHandle.get(range.handle);
      return { ...range, labels: () => (path === undefined ? undefined : labelsOf(namespace, path)) };
    });
  });
}

/** Paths of the root devices, which are what tells of a changed FIT. */
export function rootDevices(namespace: AcpiNamespace): string[] {
  return namespace.devices.filter((path) => namespace.has(`${path}._HID`) && namespace.evaluate(`${path}._HID`) === HID);
}

function labelsOf(namespace: AcpiNamespace, path: string): LabelArea | undefined {
  if (!namespace.has(`${path}._LSI`)) return undefined;
  const [status = 0, size = 0, most = 0] = toPackage(namespace.evaluate(`${path}._LSI`)).map(toInteger);
  if (status !== 0 || size === 0 || most === 0) return undefined;
  const check = (method: string, answer: AmlValue | undefined): void => {
    const code = toInteger(answer ?? 0);
    if (code !== 0) throw new Error(`${path}.${method} answered status ${code}`);
  };
  return {
    size,
    writable: namespace.has(`${path}._LSW`),
    read: (offset, length) =>
      concatBytes(
        ...pieces(offset, length, most).map(([at, part]) => {
          const [code, data = 0] = toPackage(namespace.evaluate(`${path}._LSR`, at, part));
          check('_LSR', code);
          const bytes = toBytes(data);
          if (bytes.length !== part) throw new Error(`${path}._LSR gave ${bytes.length} of ${part} bytes`);
          return bytes;
        }),
      ),
    write: (offset, bytes) => {
      for (const [at, part] of pieces(offset, bytes.length, most)) {
        check('_LSW', namespace.evaluate(`${path}._LSW`, at, part, bytes.subarray(at - offset, at - offset + part)));
      }
    },
  };
}

/** A range in pieces of at most so many bytes. */
function pieces(offset: number, length: number, most: number): (readonly [at: number, length: number])[] {
  return Array.from({ length: Math.ceil(length / most) }, (_, i) => [offset + i * most, Math.min(most, length - i * most)] as const);
}
