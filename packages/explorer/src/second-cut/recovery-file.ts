import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Characters of a state in the name of a file. */
const MOST = 80;
const SUFFIX = '.vpmrec';

/** The name of the recording of what recovery writes at a state of `file`: `run-41_page_-3.vpmrec`. The same for the same, and harmless to a shell. */
export function recoveryFileName(file: string, state: string): string {
  const name = basename(file, SUFFIX).replaceAll(/[^\w.+-]/g, '_').replace(/^[.-]+/, '_').slice(0, MOST);
  return `${name === '' ? 'recording' : name}-${stateWord(state)}${SUFFIX}`;
}

function stateWord(state: string): string {
  const word = state.replaceAll(/[^\w.,+-]/g, '_');
  if (word.length <= MOST) return word;
  return `${word.slice(0, MOST)}-${createHash('sha256').update(state).digest('hex').slice(0, 12)}`;
}
