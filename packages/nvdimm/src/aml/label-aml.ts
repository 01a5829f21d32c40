import { buffer, integer, nameString, packageOf, type Aml } from './aml-encoding.ts';
import { arg, call, concatenate, createDwordField, giveBack, index, less, local, method, mid, not, sizeOf, store, subtract, when } from './aml-terms.ts';
import { packDwords } from './dsm-aml.ts';
import { DEVICE_FUNCTION, DEVICE_GUID, DSM_REVISION, STATUS } from '../dsm-layout.ts';

const [input, args, answer, result] = [local(0), local(1), local(2), local(3)];
const range = [
  ['OFST', arg(0)],
  ['LGTH', arg(1)],
] as const;

/** What the label methods of every child do, once. Their last argument is the child's handle. */
export const labelTerms = (): Aml[] => [
  method(
    'NLSI',
    1,
    ...ask(DEVICE_FUNCTION.getLabelSize, integer(0), arg(0)),
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
    ...packDwords(input, args, range),
    ...ask(DEVICE_FUNCTION.getLabelData, args, arg(2)),
    store(packageOf(integer(0), integer(0)), result),
    store(nameString('STTS'), index(result, integer(0))),
    store(mid(answer, integer(4), subtract(sizeOf(answer), integer(4))), index(result, integer(1))),
    giveBack(result),
  ),
  method(
    'NLSW',
    4,
    ...packDwords(input, args, range, concatenate(input, arg(2), input)),
    ...ask(DEVICE_FUNCTION.setLabelData, args, arg(3)),
    giveBack(nameString('STTS')),
  ),
];

/** ACPI 6.5 §6.5.10, _LSI, _LSR and _LSW of one child */
export const labelMethods = (handle: number): Aml[] => [
  method('_LSI', 0, giveBack(call('NLSI', integer(handle)))),
  method('_LSR', 2, giveBack(call('NLSR', arg(0), arg(1), integer(handle)))),
  method('_LSW', 3, giveBack(call('NLSW', arg(0), arg(1), arg(2), integer(handle)))),
];

/** Calls a device's function; the status of its answer is STTS. */
function ask(fn: number, given: Aml, handle: Aml): Aml[] {
  return [
    store(call('NCAL', buffer(DEVICE_GUID), integer(DSM_REVISION), integer(fn), given, handle), answer),
    // An answer too short for a status is the one byte of a page that is not there.
    when(less(sizeOf(answer), integer(4)), store(buffer([STATUS.notSupported, 0, 0, 0]), answer)),
    createDwordField(answer, integer(0), 'STTS'),
  ];
}
