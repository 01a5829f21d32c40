import type { StateUnit } from '@vpmem/recording';
import type { ProgramSet } from './program-image.ts';

export type FileSystem = 'ext4' | 'xfs' | 'btrfs';

/** What was found by looking at the violations of a case, or at there being none; no program writes it. */
export interface Judgement {
  /**
   * `finding`: a promise that was made is not kept. `documented`: something is lost that nobody promised. `kept`: nothing was violated.
   * `finer`: kept by disks that write what the program counts on at once, and broken by those that tear it, which it does not speak of.
   */
  readonly kind: 'kept' | 'documented' | 'finding' | 'finer';
  /** What was seen, in whole sentences. */
  readonly text: string;
}

/** A program or a file system at work, what it promises, and how that is checked. */
export interface SurveyCase {
  /** In kebab-case; the name of its recording and its results. */
  readonly name: string;
  /** What it is about; cases of one subject stand together in docs/findings.md. */
  readonly subject: string;
  /** What is special in this one, for the table. */
  readonly what: string;
  /** What is promised, in our words, or that nothing is. */
  readonly promise: string;
  /** Where the promise stands. */
  readonly source: string;
  /** What is done and acknowledged. */
  readonly work: string;
  readonly programs: ProgramSet;
  /** The file system on the recorded disk. */
  readonly fs: FileSystem;
  /** Bytes of the disk. */
  readonly size: number;
  /** Of mkfs, beside its usual. */
  readonly mkfs?: string;
  /** Of mount, of the guest as of who checks: `dax=always` if not given. What has to do with DAX is left out on the host. */
  readonly mount?: string;
  /** Whether the disk is mounted at /mnt/disk before `run.sh`; true if not given. */
  readonly mounted?: boolean;
  /** Modules that its guest needs beside those of the file system. */
  readonly modules?: readonly string[];
  /** Folder of `workloads` that has setup.sh (if anything is to be set up), run.sh and check.sh (unless `checker` is built in). */
  readonly workload: string;
  /** Variables of all its scripts. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A checker of `vpmem explore`'s own in place of check.sh. */
  readonly checker?: 'ext4' | 'xfs';
  /** Where it is checked if not where it was asked for: `image` where a host's kernel may lack what it takes to mount it. */
  readonly where?: 'image';
  /** Seconds that the guest may take; 120 if not given. */
  readonly seconds?: number;
  /** Units that are explored, `page,sector` if not given. */
  readonly units?: readonly StateUnit[];
  /** Seconds of exploring; 60 if not given. */
  readonly budget?: number;
  readonly judgement?: Judgement;
}
