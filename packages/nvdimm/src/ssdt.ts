import { makeTable, sealTable, type TableIdentity } from './acpi-table.ts';
import { aml, buffer, dword, integer, nameString, packageOf, string, type Aml } from './aml-encoding.ts';
import {
  add,
  and,
  arg,
  call,
  concatenate,
  createDwordField,
  derefOf,
  device,
  equal,
  field,
  giveBack,
  index,
  less,
  local,
  loop,
  method,
  mid,
  name,
  not,
  notify,
  objectType,
  operationRegion,
  or,
  otherwise,
  scope,
  sizeOf,
  store,
  subtract,
  SYSTEM_IO,
  SYSTEM_MEMORY,
  TYPE_PACKAGE,
  when,
} from './aml-terms.ts';
import { DEVICE_FUNCTION, DEVICE_GUID, DSM_PAGE_SIZE, DSM_PORT, DSM_REVISION, INTERNAL_FUNCTION, INTERNAL_GUID, INTERNAL_HANDLE, ROOT_GUID, ROOT_HANDLE, STATUS } from './dsm-layout.ts';
import { deviceHandle } from './nfit.ts';
import { MAX_SLOTS } from './nvdimm-layout.ts';

export interface SsdtOptions extends TableIdentity {
  /** How many slots have a device object, plugged or not. */
  readonly slots: number;
  /** Guest-physical address of the page that _DSM passes arguments through, below 4 GiB; 0, the default, if it is not known yet. */
  readonly page?: number;
  /** Also answer general-purpose event 4 by telling the guest that the FIT has changed; off where a DSDT does so already. */
  readonly hotplugEvent?: boolean;
}

/** An SSDT, and where in it the address of the page is. */
export interface Ssdt {
  readonly table: Uint8Array<ArrayBuffer>;
  /** Bytes from the table's start to the 32 bits of `MEMA`. */
  readonly pageOffset: number;
}

const NOTHING = buffer([]);
const dsmGuid = (bytes: Uint8Array): Aml => buffer(bytes);

/** ACPI 6.5 §9.19: the NVDIMM root device, `\_SB.NVDR`, with a child for every slot. @throws RangeError for a number of slots there cannot be */
export function makeSsdt({ slots, page = 0, hotplugEvent = false, ...identity }: SsdtOptions): Ssdt {
  if (!Number.isInteger(slots) || slots < 1 || slots > MAX_SLOTS) throw new RangeError(`slots is ${slots}; it has to be 1 to ${MAX_SLOTS}`);
  const children = Array.from({ length: slots }, (_, slot) => child(slot));
  const root = device('NVDR', name('_HID', string('ACPI0012')), callDevice(), dsm(ROOT_HANDLE), ...fit(), ...labels(), ...children);
  const event = hotplugEvent ? [scope('\\_GPE', method('_E04', 0, notify(nameString('\\_SB.NVDR'), FIT_CHANGED_NOTIFICATION)))] : [];
  const body = aml(scope('\\_SB', root), ...event, name('\\MEMA', dword(page)));
  const table = makeTable({ signature: 'SSDT', revision: 1, oemTableId: 'NVDIMM' }, body, identity);
  return { table, pageOffset: table.length - 4 };
}

/** ACPI 6.5 §5.6.6, Table 5.139: NFIT Update Notification of the root device. */
export const FIT_CHANGED_NOTIFICATION = 0x80;

/** Tells an SSDT where the page is after all. */
export function setSsdtPage({ table, pageOffset }: Ssdt, page: number): void {
  new DataView(table.buffer, table.byteOffset).setUint32(pageOffset, page, true);
  sealTable(table);
}

/** NCAL(uuid, revision, function, arguments, handle): passes a call through the page, and gives back the answer without its length. */
function callDevice(): Aml {
  const [uuid, revision, fn, args, handle] = [arg(0), arg(1), arg(2), arg(3), arg(4)];
  const ours = local(0);
  const answer = local(1);
  const page = nameString('\\MEMA');
  return method(
    'NCAL',
    5,
    store(dsmGuid(DEVICE_GUID), ours),
    when(equal(handle, integer(ROOT_HANDLE)), store(dsmGuid(ROOT_GUID), ours)),
    when(equal(handle, integer(INTERNAL_HANDLE)), store(dsmGuid(INTERNAL_GUID), ours)),
    // No function is there: the mask of function 0 is empty, and all others are not supported.
    when(
      or(equal(page, integer(0)), not(equal(uuid, ours))),
      when(equal(fn, integer(0)), giveBack(buffer([0]))),
      giveBack(buffer([STATUS.notSupported])),
    ),
    operationRegion('NPIO', SYSTEM_IO, integer(DSM_PORT), 4),
    operationRegion('NRAM', SYSTEM_MEMORY, page, DSM_PAGE_SIZE),
    field('NPIO', [['NTFI', 32]]),
    field('NRAM', [
      ['HDLE', 32],
      ['REVS', 32],
      ['FUNC', 32],
      ['FARG', (DSM_PAGE_SIZE - 12) * 8],
    ]),
    field('NRAM', [
      ['RLEN', 32],
      ['ODAT', (DSM_PAGE_SIZE - 4) * 8],
    ]),
    store(handle, nameString('HDLE')),
    store(revision, nameString('REVS')),
    store(fn, nameString('FUNC')),
    when(
      and(equal(objectType(args), integer(TYPE_PACKAGE)), equal(sizeOf(args), integer(1))),
      store(index(args, integer(0)), local(2)),
      store(derefOf(local(2)), nameString('FARG')),
    ),
    // The write is the call: when it is over, the page has the answer.
    store(page, nameString('NTFI')),
    store(nameString('ODAT'), answer),
    subtract(nameString('RLEN'), integer(4), local(2)),
    giveBack(mid(answer, integer(0), local(2))),
  );
}

/** ACPI 6.5 §9.1.1, _DSM (Device Specific Method) */
const dsm = (handle: number): Aml => method('_DSM', 4, giveBack(call('NCAL', arg(0), arg(1), arg(2), arg(3), integer(handle))));

/** ACPI 6.5 §6.5.9, _FIT: all structures, however many calls they take, and once more from the start if they change meanwhile. */
function fit(): readonly Aml[] {
  const [whole, part, offset] = [local(0), local(1), local(2)];
  return [
    name('RSTA', integer(0)),
    readFit(),
    method(
      '_FIT',
      0,
      store(NOTHING, whole),
      store(integer(0), offset),
      loop(
        integer(1),
        store(call('RFIT', offset), part),
        when(equal(nameString('RSTA'), integer(STATUS.fitChanged)), store(NOTHING, whole), store(integer(0), offset)),
        otherwise(
          when(equal(sizeOf(part), integer(0)), giveBack(whole)),
          add(offset, sizeOf(part), offset),
          concatenate(whole, part, whole),
        ),
      ),
    ),
  ];
}

/** RFIT(offset): a piece of the FIT, empty behind its end; RSTA has the status. */
function readFit(): Aml {
  const [input, args, answer] = [local(0), local(1), local(2)];
  return method(
    'RFIT',
    1,
    ...dwords(input, [['OFST', arg(0)]]),
    ...packageWith(input, args),
    store(call('NCAL', dsmGuid(INTERNAL_GUID), integer(DSM_REVISION), integer(INTERNAL_FUNCTION.readFit), args, integer(INTERNAL_HANDLE)), answer),
    when(less(sizeOf(answer), integer(4)), store(integer(STATUS.notSupported), nameString('RSTA')), giveBack(NOTHING)),
    createDwordField(answer, integer(0), 'STAU'),
    store(nameString('STAU'), nameString('RSTA')),
    when(not(equal(nameString('STAU'), integer(STATUS.success))), giveBack(NOTHING)),
    giveBack(mid(answer, integer(4), subtract(sizeOf(answer), integer(4)))),
  );
}

/** ACPI 6.5 §6.5.10: what _LSI, _LSR and _LSW of every child do, once. Their last argument is the child's handle. */
function labels(): readonly Aml[] {
  const [input, args, answer, result] = [local(0), local(1), local(2), local(3)];
  const ask = (fn: number, given: Aml, handle: Aml): Aml =>
    store(call('NCAL', dsmGuid(DEVICE_GUID), integer(DSM_REVISION), integer(fn), given, handle), answer);
  // An answer too short for a status is the one byte of a page that is not there.
  const status = [
    when(less(sizeOf(answer), integer(4)), store(buffer([STATUS.notSupported, 0, 0, 0]), answer)),
    createDwordField(answer, integer(0), 'STTS'),
  ];
  return [
    method(
      'NLSI',
      1,
      ask(DEVICE_FUNCTION.getLabelSize, integer(0), arg(0)),
      ...status,
      store(packageOf(integer(0), integer(0), integer(0)), result),
      store(nameString('STTS'), index(result, integer(0))),
      when(
        not(less(sizeOf(answer), integer(12))),
        createDwordField(answer, integer(4), 'SLSA'),
        createDwordField(answer, integer(8), 'MAXT'),
        store(nameString('SLSA'), index(result, integer(1))),
        store(nameString('MAXT'), index(result, integer(2))),
      ),
      giveBack(result),
    ),
    method(
      'NLSR',
      3,
      ...dwords(input, [
        ['OFST', arg(0)],
        ['LGTH', arg(1)],
      ]),
      ...packageWith(input, args),
      ask(DEVICE_FUNCTION.getLabelData, args, arg(2)),
      ...status,
      store(packageOf(integer(0), integer(0)), result),
      store(nameString('STTS'), index(result, integer(0))),
      store(mid(answer, integer(4), subtract(sizeOf(answer), integer(4))), index(result, integer(1))),
      giveBack(result),
    ),
    method(
      'NLSW',
      4,
      ...dwords(input, [
        ['OFST', arg(0)],
        ['LGTH', arg(1)],
      ]),
      concatenate(input, arg(2), input),
      ...packageWith(input, args),
      ask(DEVICE_FUNCTION.setLabelData, args, arg(3)),
      ...status,
      giveBack(nameString('STTS')),
    ),
  ];
}

/** One slot: `NV00` and so on. What it does is not known before it is plugged, so the methods are always there. */
function child(slot: number): Aml {
  const handle = deviceHandle(slot);
  return device(
    `NV${slot.toString(16).toUpperCase().padStart(2, '0')}`,
    name('_ADR', integer(handle)),
    method('_LSI', 0, giveBack(call('NLSI', integer(handle)))),
    method('_LSR', 2, giveBack(call('NLSR', arg(0), arg(1), integer(handle)))),
    method('_LSW', 3, giveBack(call('NLSW', arg(0), arg(1), arg(2), integer(handle)))),
    dsm(handle),
  );
}

/** Makes a buffer of 32-bit values in `target`. */
function dwords(target: Aml, values: readonly (readonly [field: string, value: Aml])[]): Aml[] {
  return [
    store(buffer(new Uint8Array(values.length * 4)), target),
    ...values.flatMap(([unit, value], i) => [createDwordField(target, integer(i * 4), unit), store(value, nameString(unit))]),
  ];
}

/** Makes a package with one element in `target`; a package in byte code cannot name a local itself. */
const packageWith = (element: Aml, target: Aml): Aml[] => [store(packageOf(integer(0)), target), store(element, index(target, integer(0)))];

