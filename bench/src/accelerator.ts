// Whether guests run under KVM: where one has come up with it, which is more than that /dev/kvm can be opened.
import { closeSync, openSync } from 'node:fs';
import { startGuest, type Accelerator, type Testbed } from '@vpmem/testbed';
import { BenchError } from './bench-error.ts';

/** Milliseconds for a guest to come up; with a KVM that works it takes two seconds. */
const BOOT = 30_000;

export interface ChosenAccelerator {
  readonly accelerator: Accelerator;
  /** One sentence on why it is this one; undefined where nothing else was there to choose. */
  readonly why?: string;
}

/**
 * What is asked for, or what is best here.
 *
 * @param trouble why no guest can run under KVM here; undefined if one can. Asked at most once.
 * @throws BenchError if KVM is asked for and does not work
 */
export async function chooseAccelerator(wanted: Accelerator | undefined, trouble: () => Promise<string | undefined>): Promise<ChosenAccelerator> {
  if (wanted === 'tcg') return { accelerator: 'tcg', why: '--accel tcg asked for it' };
  const reason = await trouble();
  if (reason === undefined) return { accelerator: 'kvm' };
  if (wanted === 'kvm') throw new BenchError(`--accel kvm: KVM does not work here: ${reason}; leave the option out, or say --accel tcg`);
  return { accelerator: 'tcg', why: `KVM does not work here: ${reason}` };
}

/** Starts a guest under KVM to see whether that works. A line, or undefined where all is well. */
export async function kvmTrouble(testbed: Testbed, device = '/dev/kvm'): Promise<string | undefined> {
  try {
    closeSync(openSync(device, 'r+'));
  } catch (error) {
    return `${device} cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
  try {
    const guest = await startGuest({ testbed, accelerator: 'kvm', until: 'running' });
    try {
      // A processor that KVM cannot carry on with stops the machine, and nothing more comes of it.
      const stopped = guest.waitForEvent('STOP', undefined, { timeout: BOOT }).then(
        () => 'QEMU stopped a guest that it could not carry on with',
        () => `no guest came up within ${BOOT / 1000} s`,
      );
      return await Promise.race([stopped, guest.waitReady(1, { timeout: BOOT }).then(() => undefined)]);
    } finally {
      await guest.stop();
    }
  } catch (error) {
    return firstComplaint(error instanceof Error ? error.message : String(error));
  }
}

/** Of an error with all that QEMU said: the line in which QEMU says what is the matter, else the first. */
export function firstComplaint(message: string): string {
  const [first = '', ...rest] = message.split('\n');
  const said = rest.map((line) => line.replace(/^its output: /, '')).find((line) => /^(qemu|Could not|failed)/i.test(line));
  return (said ?? first).trim();
}
