/** What mount(2) is asked for: a sum of flags, and what the file system itself takes. */
export interface MountRequest {
  /** Empty: nothing is mounted. */
  readonly type: string;
  readonly flags: number;
  readonly data: string;
}

/** Linux, linux/mount.h: options that are flags. */
const FLAGS: Readonly<Record<string, number>> = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  mand: 64,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  silent: 32_768,
  relatime: 2_097_152,
  strictatime: 16_777_216,
  lazytime: 33_554_432,
};
/** What mount(8) takes for itself. */
const FOR_NOBODY = new Set(['defaults', 'rw', 'auto', 'noauto', 'user', 'nouser', 'loop', 'suid', 'dev', 'exec', 'async', '']);

/** Options of mount(8), with commas between them, as mount(2) wants them. */
export function mountRequest(type: string, options: string): MountRequest {
  const words = options.split(',').map((word) => word.trim());
  const flags = words.reduce((sum, word) => sum | (FLAGS[word] ?? 0), 0);
  return { type, flags, data: words.filter((word) => FLAGS[word] === undefined && !FOR_NOBODY.has(word)).join(',') };
}
