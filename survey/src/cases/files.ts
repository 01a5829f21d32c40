import type { FileSystem, SurveyCase } from '../survey-case.ts';

const KERNEL = 'https://docs.kernel.org/admin-guide/ext4.html';
const FSYNC = 'https://man7.org/linux/man-pages/man2/fsync.2.html';
const size = (fs: FileSystem): number => (fs === 'xfs' ? 320 : 64) * 2 ** 20;
const suffix = (fs: FileSystem): string => (fs === 'ext4' ? '' : `-${fs}`);

interface Replacing {
  readonly name: string;
  readonly what: string;
  readonly sync: string;
  readonly promise: string;
  readonly source: string;
  readonly mount?: string;
}

const REPLACING: readonly Replacing[] = [
  { name: 'mv-without-fsync', what: 'no fsync', sync: 'none', promise: 'With auto_da_alloc, the default of ext4, a file that is replaced by rename has its old or its new content. Nothing is said of when.', source: KERNEL },
  { name: 'mv-fsync-file', what: 'fsync of the new file before the rename', sync: 'file', promise: 'The file is whole, the old one or the new. fsync of a file does not promise that its entry in the directory is there.', source: FSYNC },
  { name: 'mv-fsync-file-and-directory', what: 'fsync of the new file, rename, fsync of the directory', sync: 'file and directory', promise: 'The new file is there, whole, once the directory is synced.', source: FSYNC },
  { name: 'mv-fsync-after', what: 'rename, then fsync of the file', sync: 'after', promise: 'The content is durable; fsync of a file does not promise that its entry in the directory is there.', source: FSYNC },
  { name: 'mv-noauto-da-alloc', what: 'no fsync, noauto_da_alloc', sync: 'none', mount: 'dax=always,noauto_da_alloc', promise: 'Nothing: without auto_da_alloc the file may be empty.', source: KERNEL },
];

const replacing = (fs: FileSystem, { name, what, sync, promise, source, mount }: Replacing): SurveyCase => ({
  name: `${name}${suffix(fs)}`,
  subject: 'mv over a file',
  what: `${what}, ${fs}`,
  promise,
  source,
  work: '10 versions of a file of 6,000 bytes are moved over it, each acknowledged',
  programs: 'programs',
  fs,
  size: size(fs),
  ...(mount === undefined ? {} : { mount }),
  workload: 'replace',
  variables: { SYNC: sync },
});

const appending = (fs: FileSystem, sync: 'fsync' | 'fdatasync', mount?: string, note = ''): SurveyCase => {
  const name = `append-${sync}${note}${suffix(fs)}`;
  return {
    name,
    subject: 'Append to a file',
    what: `${sync}${mount === undefined ? '' : `, ${mount}`}, ${fs}`,
    promise: 'Once it has returned, the data is there, and what is needed to read it.',
    source: FSYNC,
    work: '15 records are appended, each synced and acknowledged',
    programs: 'programs',
    fs,
    size: size(fs),
    ...(mount === undefined ? {} : { mount }),
    workload: 'append',
    variables: { SYNC: sync },
  };
};

export const fileCases: readonly SurveyCase[] = [
  ...REPLACING.map((each) => replacing('ext4', each)),
  ...REPLACING.slice(0, 4).map((each) => replacing('xfs', { ...each, ...(each.source === KERNEL ? { promise: 'Nothing is promised without fsync.', source: FSYNC } : {}) })),
  appending('ext4', 'fsync'),
  appending('ext4', 'fdatasync'),
  appending('ext4', 'fsync', 'data=journal', '-data-journal'),
  appending('xfs', 'fsync'),
  appending('xfs', 'fdatasync'),
];
