import { MOUNT_FLAGS } from '@vpmem/native';

/** What mount(8) takes for itself and mount(2) does not know. */
const FOR_NOBODY = new Set(['defaults', 'rw', 'auto', 'noauto', 'user', 'nouser', 'loop', 'suid', 'dev', 'exec', 'async', '']);

/** Options of mount(8), with commas between them, as mount(2) wants them. For XFS there is nouuid as well: several of one image are mounted at once. */
export function mountOptions(type: string, options: string): { readonly flags: number; readonly data: string } {
  const words = options.split(',').map((word) => word.trim());
  const own = words.filter((word) => !FOR_NOBODY.has(word) && MOUNT_FLAGS[word] === undefined);
  if (type === 'xfs' && !own.includes('nouuid')) own.push('nouuid');
  return { flags: words.reduce((flags, word) => flags | (MOUNT_FLAGS[word] ?? 0), 0), data: own.join(',') };
}
