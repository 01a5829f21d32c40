import { buffer, integer, nameString, packageOf, type Aml } from './aml-encoding.ts';
import {
  arg,
  call,
  createDwordField,
  derefOf,
  equal,
  field,
  giveBack,
  index,
  local,
  method,
  mid,
  not,
  objectType,
  operationRegion,
  or,
  sizeOf,
  store,
  subtract,
  SYSTEM_IO,
  SYSTEM_MEMORY,
  TYPE_PACKAGE,
  when,
} from './aml-terms.ts';
import { DEVICE_GUID, DSM_PAGE_SIZE, DSM_PORT, DSM_PORT_SIZE, DsmCall, INTERNAL_GUID, INTERNAL_HANDLE, ROOT_GUID, ROOT_HANDLE, STATUS } from '../dsm-layout.ts';

/** The name whose value is the page's address. */
export const PAGE_NAME = '\\MEMA';

const page = nameString(PAGE_NAME);

/** The port and the page, as names. */
export function transport(): Aml[] {
  return [
    operationRegion('NPIO', SYSTEM_IO, integer(DSM_PORT), DSM_PORT_SIZE),
    field('NPIO', [['NTFI', 32]]),
    operationRegion('NRAM', SYSTEM_MEMORY, page, DSM_PAGE_SIZE),
    field('NRAM', [
      ['HDLE', 32],
      ['REVS', 32],
      ['FUNC', 32],
      ['FARG', (DSM_PAGE_SIZE - DsmCall.size) * 8],
    ]),
    field('NRAM', [
      ['RLEN', 32],
      ['ODAT', (DSM_PAGE_SIZE - 4) * 8],
    ]),
  ];
}

/** NCAL(uuid, revision, function, arguments, handle): passes a call through the page, and gives back the answer without its length. */
export function callMethod(): Aml {
  const [uuid, revision, fn, args, handle] = [arg(0), arg(1), arg(2), arg(3), arg(4)];
  const [ours, argument, answer, length] = [local(0), local(1), local(2), local(3)];
  return method(
    'NCAL',
    5,
    store(buffer(DEVICE_GUID), ours),
    when(equal(handle, integer(ROOT_HANDLE)), store(buffer(ROOT_GUID), ours)),
    when(equal(handle, integer(INTERNAL_HANDLE)), store(buffer(INTERNAL_GUID), ours)),
    // No function is there: the mask of function 0 is empty, and all others are not supported.
    when(
      or(equal(page, integer(0)), not(equal(uuid, ours))),
      when(equal(fn, integer(0)), giveBack(buffer([0]))),
      giveBack(buffer([STATUS.notSupported])),
    ),
    store(handle, nameString('HDLE')),
    store(revision, nameString('REVS')),
    store(fn, nameString('FUNC')),
    // One within the other: both sides of an And are evaluated, and only a package has a size.
    when(
      equal(objectType(args), integer(TYPE_PACKAGE)),
      when(equal(sizeOf(args), integer(1)), index(args, integer(0), argument), store(derefOf(argument), nameString('FARG'))),
    ),
    // The write is the call: when it is over, the page has the answer.
    store(page, nameString('NTFI')),
    store(nameString('ODAT'), answer),
    subtract(nameString('RLEN'), integer(4), length),
    giveBack(mid(answer, integer(0), length)),
  );
}

/** ACPI 6.5 §9.1.1, _DSM (Device Specific Method) */
export const dsmMethod = (handle: number): Aml => method('_DSM', 4, giveBack(call('NCAL', arg(0), arg(1), arg(2), arg(3), integer(handle))));

/** Makes a buffer of 32-bit values in `input`, and in `args` the package with it that NCAL takes. */
export function packDwords(input: Aml, args: Aml, values: readonly (readonly [unit: string, value: Aml])[], ...more: readonly Aml[]): Aml[] {
  return [
    store(buffer(new Uint8Array(values.length * 4)), input),
    ...values.flatMap(([unit, value], i) => [createDwordField(input, integer(i * 4), unit), store(value, nameString(unit))]),
    ...more,
    // A package in byte code cannot name a local itself.
    store(packageOf(integer(0)), args),
    store(input, index(args, integer(0))),
  ];
}
