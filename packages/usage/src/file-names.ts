import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate, Surroundings } from './candidate.ts';

/** Names that are offered at most: more than anybody reads. */
const MOST = 500;

/** Files and folders that `word` is the beginning of. A folder is offered with a slash; what begins with a dot only if asked for. */
export function completeFile(word: string, { folder, home }: Pick<Surroundings, 'folder' | 'home'>): Candidate[] {
  const [, typed = '', begin = ''] = /^(.*\/)?([^/]*)$/s.exec(word) ?? [];
  const where = typed.startsWith('~/') ? join(home, typed.slice(2)) : typed.startsWith('/') ? typed : join(folder, typed);
  return namesIn(where)
    .filter((name) => name.startsWith(begin) && (begin.startsWith('.') || !name.startsWith('.')))
    .slice(0, MOST)
    .map((name) => (isFolder(join(where, name)) ? { word: `${typed}${name}/`, description: '', open: true } : { word: `${typed}${name}`, description: '' }));
}

/** None of what is no folder, or may not be seen. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
