import type { CommandLineItem } from './command-line.ts';
import { QemuError } from '../qemu-error.ts';

const NOT_IN_A_STREAM = 'a device that vpmem serves is in no migration stream and no snapshot';

/** Options that cannot be what they say beside a device of ours, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  incoming: `${NOT_IN_A_STREAM}, so the VM cannot come from one; leave it out and start the VM anew, or leave out the device`,
  loadvm: `${NOT_IN_A_STREAM}, so the VM cannot go on from one; leave it out and start the VM anew, or leave out the device`,
  'only-migratable': `${NOT_IN_A_STREAM}; leave out this option, or the device`,
};

/**
 * Refuses what cannot be together with devices of ours. QEMU itself would start, and do something else than it was asked.
 *
 * @param now whether there are devices from the start @throws QemuError
 */
export function checkServable(items: readonly CommandLineItem[], { now }: { readonly now: boolean }): void {
  for (const { option = '' } of items) {
    const reason = now && Object.hasOwn(REFUSED, option) ? REFUSED[option] : undefined;
    if (reason !== undefined) throw new QemuError('not-supported', `-${option}: ${reason}`);
  }
}
