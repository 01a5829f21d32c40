import { commonCases } from './testing/common-cases.ts';
import { whyNot, type FunctionCase } from './testing/function-case.ts';
import type { FunctionTraits } from './testing/function-under-test.ts';
import { interruptCases } from './testing/interrupt-cases.ts';
import { lateCases } from './testing/late-cases.ts';
import { layoutCases } from './testing/layout-cases.ts';
import { optionCases } from './testing/option-cases.ts';
import { queueCases } from './testing/queue-cases.ts';
import { statusCases } from './testing/status-cases.ts';

export { whyNot, type FunctionCase } from './testing/function-case.ts';
export type { FunctionTraits, FunctionUnderTest } from './testing/function-under-test.ts';
export { localFunction, type LocalOptions } from './testing/local-function.ts';
export { VirtioGuest, type FoundCapability } from './testing/virtio-guest.ts';
export { WatchedFunction, type Falsify, type WatchedAccess, type WatchedPlace } from './testing/watched-function.ts';

/** What every virtio function on PCI has to do, whatever device it is and however it is reached. */
export function functionCases(): readonly FunctionCase[] {
  return [...layoutCases(), ...commonCases(), ...statusCases(), ...interruptCases(), ...queueCases(), ...lateCases(), ...optionCases()];
}

/** Those that a function with these traits can be put to, each with its name before it: a table for `it.each`, where `%s` is the name. */
export function namedCases(traits: FunctionTraits): readonly (readonly [name: string, run: FunctionCase['run']])[] {
  return functionCases().flatMap((each) => (whyNot(each, traits) === undefined ? [[each.name, each.run] as const] : []));
}
