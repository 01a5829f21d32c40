// Prepares the testbed and prints what it has: `tsx testbed/scripts/prepare-testbed.ts`.
// Where none can be had it says why, and fails only where CI is 'true': there nothing may be skipped.
import { prepareTestbed } from '../src/testbed.ts';
import { TestbedError } from '../src/testbed-error.ts';

try {
  const { dir, qemuCommand, qemuVersion, kernels } = await prepareTestbed();
  const releases = Object.values(kernels).map(({ release }) => release);
  console.log(`testbed: QEMU ${qemuVersion} (${qemuCommand.join(' ')})`);
  console.log(`testbed: Linux ${releases.join(', ')}`);
  console.log(`testbed: in ${dir}`);
} catch (error) {
  if (!(error instanceof TestbedError)) throw error;
  console.log(`testbed: none, so tests with a guest will be skipped: ${error.message}`);
  if (process.env.CI === 'true') process.exitCode = 1;
}
