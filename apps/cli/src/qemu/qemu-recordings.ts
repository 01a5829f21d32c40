import { makeRecordingFolder, nothingToRecord, recordAll } from '@vpmem/machine';
import type { Substitution } from '@vpmem/qemu';
import { named } from '../option-problem.ts';

/** A command line whose devices are recorded. */
export interface RecordedLine {
  readonly substitution: Substitution;
  /** Makes the folder that their recordings go into. @throws OptionProblem */
  makeFolder(): void;
  /** Takes it away again, unless there is something in it. */
  removeFolder(): void;
}

/** The same command line with a recording for each device in a folder, if one is given; `tell` hears what is of no use. */
export function recordLine(substitution: Substitution, folder: string | undefined, tell: (text: string) => void): RecordedLine {
  let remove = (): void => undefined;
  if (folder === undefined) return { substitution, makeFolder: () => undefined, removeFolder: remove };
  const { objects, count } = recordAll(substitution.objects, substitution.devices, folder);
  if (count === 0) tell(`warning: --record ${folder}: ${nothingToRecord(folder)}`);
  return {
    substitution: { ...substitution, objects },
    makeFolder: () => {
      if (count > 0) remove = named(`--record ${folder}`, () => makeRecordingFolder(folder));
    },
    removeFolder: () => remove(),
  };
}
