import type { FunctionTraits } from './function-under-test.ts';
import type { VirtioGuest } from './virtio-guest.ts';

/** One thing a virtio function has to do, under the id of the statement that says so. Throws an AssertionError if it does not. */
export interface FunctionCase {
  readonly name: string;
  /** Features it is about: it applies only where they are offered. */
  readonly needs?: bigint;
  readonly interrupts?: FunctionTraits['interrupts'];
  /** It needs a configuration, a region in a BAR that the configuration speaks of, or requests that can be held. */
  readonly also?: 'configuration' | 'region' | 'address' | 'held';
  readonly run: (guest: VirtioGuest) => Promise<void>;
}

/** Why a case does not apply to a function; undefined if it does. */
export function whyNot({ needs = 0n, interrupts, also }: FunctionCase, traits: FunctionTraits): string | undefined {
  const missing = needs & ~traits.offered;
  if (missing !== 0n) return `feature bits 0x${missing.toString(16)} are not offered`;
  if (interrupts !== undefined && interrupts !== traits.interrupts) return `interrupts by ${traits.interrupts}`;
  if (also === 'configuration' && traits.unconfigured === true) return 'no configuration';
  if (also === 'region' && traits.region === undefined) return 'no shared memory region';
  if (also === 'address' && (traits.region === undefined || traits.addressInConfig === undefined)) return 'the configuration never changes';
  if (also === 'held' && !traits.held) return 'requests cannot be held';
  return undefined;
}
