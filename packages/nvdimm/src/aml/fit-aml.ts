import { buffer, integer, nameString, type Aml } from './aml-encoding.ts';
import { add, arg, call, concatenate, createDwordField, equal, giveBack, less, local, loop, method, mid, name, not, otherwise, sizeOf, store, subtract, when } from './aml-terms.ts';
import { packDwords } from './dsm-aml.ts';
import { DSM_REVISION, INTERNAL_FUNCTION, INTERNAL_GUID, INTERNAL_HANDLE, STATUS } from '../dsm-layout.ts';

const NOTHING = buffer([]);

/** ACPI 6.5 §6.5.9, _FIT, and what it uses. */
export const fitTerms = (): Aml[] => [name('RSTA', integer(0)), readMethod(), fitMethod()];

/** All structures, however many calls they take; once more from the start if they change meanwhile. */
function fitMethod(): Aml {
  const [whole, part, offset, more] = [local(0), local(1), local(2), local(3)];
  const rewind = [store(NOTHING, whole), store(integer(0), offset)];
  return method(
    '_FIT',
    0,
    ...rewind,
    store(integer(1), more),
    loop(
      more,
      store(call('RFIT', offset), part),
      when(equal(nameString('RSTA'), integer(STATUS.fitChanged)), ...rewind),
      otherwise(store(sizeOf(part), more), when(more, add(offset, more, offset), concatenate(whole, part, whole))),
    ),
    giveBack(whole),
  );
}

/** RFIT(offset): a piece of the FIT, empty behind its end; RSTA has the status. */
function readMethod(): Aml {
  const [input, args, answer] = [local(0), local(1), local(2)];
  return method(
    'RFIT',
    1,
    ...packDwords(input, args, [['OFST', arg(0)]]),
    store(call('NCAL', buffer(INTERNAL_GUID), integer(DSM_REVISION), integer(INTERNAL_FUNCTION.readFit), args, integer(INTERNAL_HANDLE)), answer),
    when(less(sizeOf(answer), integer(4)), store(integer(STATUS.notSupported), nameString('RSTA')), giveBack(NOTHING)),
    createDwordField(answer, integer(0), 'STAU'),
    store(nameString('STAU'), nameString('RSTA')),
    when(not(equal(nameString('STAU'), integer(STATUS.success))), giveBack(NOTHING)),
    giveBack(mid(answer, integer(4), subtract(sizeOf(answer), integer(4)))),
  );
}
