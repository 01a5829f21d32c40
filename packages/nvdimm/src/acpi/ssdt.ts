import { makeTable, sealTable, TableHeader, type TableIdentity } from './acpi-table.ts';
import { aml, dword, integer, nameString, string, type Aml } from '../aml/aml-encoding.ts';
import { device, method, name, notify, scope } from '../aml/aml-terms.ts';
import { viewOf } from '../bytes.ts';
import { callMethod, dsmMethod, PAGE_NAME, transport } from '../aml/dsm-aml.ts';
import { ROOT_HANDLE } from '../dsm-layout.ts';
import { fitTerms } from '../aml/fit-aml.ts';
import { labelMethods, labelTerms } from '../aml/label-aml.ts';
import { deviceHandle } from './nfit.ts';
import { MAX_SLOTS } from '../nvdimm-layout.ts';

export interface SsdtOptions extends TableIdentity {
  /** How many slots have a device object, plugged or not: 1 to {@link MAX_SLOTS}. */
  readonly slots: number;
  /** Guest-physical address of the page that _DSM passes arguments through, below 4 GiB; 0, the default, if it is not known yet. */
  readonly page?: number;
  /** Leave `_FIT` out, for a platform where nobody answers at the port and the NFIT is all there is. Default false. */
  readonly staticFit?: boolean;
  /** Also answer general-purpose event 4 by telling the guest that the FIT has changed. Default false, for a DSDT that does. */
  readonly hotplugEvent?: boolean;
}

/** ACPI 6.5 §5.6.6, NVDIMM root device notification values: the FIT has changed. */
export const FIT_CHANGED_NOTIFICATION = 0x80;

/** The general-purpose event that QEMU raises when an NVDIMM is plugged in. */
export const HOTPLUG_EVENT = 4;

/** ACPI 6.5 §9.19: the NVDIMM root device, `\_SB.NVDR`, with a child for every slot. @throws RangeError for slots there cannot be */
export function makeSsdt({ slots, page = 0, staticFit = false, hotplugEvent = false, ...identity }: SsdtOptions): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(slots) || slots < 1 || slots > MAX_SLOTS) throw new RangeError(`slots is ${slots}; it has to be 1 to ${MAX_SLOTS}`);
  const children = Array.from({ length: slots }, (_, slot) => child(slot));
  const terms = [...transport(), callMethod(), dsmMethod(ROOT_HANDLE), ...(staticFit ? [] : fitTerms()), ...labelTerms(), ...children];
  const root = device('NVDR', name('_HID', string('ACPI0012')), ...terms);
  const body = aml(name(PAGE_NAME, dword(page)), scope('\\_SB', root), ...(hotplugEvent ? [eventScope()] : []));
  return makeTable({ signature: 'SSDT', revision: 1, oemTableId: 'NVDIMM' }, body, identity);
}

/** Bytes from the start of every SSDT of ours to the 32 bits of `MEMA`, the page's address: after the name and a prefix. */
export const SSDT_PAGE_OFFSET = TableHeader.size + 1 + nameString(PAGE_NAME).length + 1;

/** Tells an SSDT where the page is after all. */
export function setSsdtPage(table: Uint8Array, page: number): void {
  viewOf(table).setUint32(SSDT_PAGE_OFFSET, page, true);
  sealTable(table);
}

/** One slot: `NV00` and so on. What is in it may change, so the methods are always there. */
function child(slot: number): Aml {
  const handle = deviceHandle(slot);
  const path = `NV${slot.toString(16).toUpperCase().padStart(2, '0')}`;
  return device(path, name('_ADR', integer(handle)), ...labelMethods(handle), dsmMethod(handle));
}

const eventScope = (): Aml => scope('\\_GPE', method(`_E0${HOTPLUG_EVENT}`, 0, notify(nameString('\\_SB.NVDR'), FIT_CHANGED_NOTIFICATION)));
