import { recordAll } from '@vpmem/machine';
import { SetupError } from './options/setup-error.ts';
import type { Setup } from './options/setup.ts';

/**
 * What a command line says of a machine that goes on in another process. With `-record` its objects say where they are recorded, as those
 * of the machine that runs do.
 *
 * @throws SetupError for a recording of what it does not name: nobody would begin that
 */
export function continuedSetup(setup: Setup): Setup {
  const { objects, devices, recordFolder: folder, takeover } = setup;
  if (folder === undefined) return setup;
  if (objects.length > 0 || takeover === undefined) return { ...setup, objects: recordAll(objects, devices, folder).objects };
  throw new SetupError(`-record ${folder}: with -takeover ${takeover} what runs goes on as it is, and no recording begins; leave it out, and begin one at a monitor with pmem-record`);
}
