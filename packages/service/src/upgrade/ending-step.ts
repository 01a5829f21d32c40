import { readFileSync, rmSync } from 'node:fs';

/**
 * For tests of what is left when a process ends in the middle of a hand-over: `VPMEM_END_AFTER=giver:sent` ends the one that gives by
 * SIGKILL once it has sent all. A path instead means the file that says so, which it then removes: it ends one process.
 */
export function endAfter(side: 'giver' | 'taker', step: string): void {
  const { VPMEM_END_AFTER: given } = process.env;
  if (given === undefined) return;
  const path = given.includes('/') ? given : undefined;
  if ((path === undefined ? given : contents(path)) !== `${side}:${step}`) return;
  if (path !== undefined) rmSync(path);
  process.kill(process.pid, 'SIGKILL');
}

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
