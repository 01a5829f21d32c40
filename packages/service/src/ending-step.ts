/**
 * For tests of what is left when a process ends in the middle of a hand-over: `VPMEM_END_AFTER=giver:sent` ends the one that gives by
 * SIGKILL once it has sent all.
 */
export function endAfter(side: 'giver' | 'taker', step: string): void {
  if (process.env.VPMEM_END_AFTER === `${side}:${step}`) process.kill(process.pid, 'SIGKILL');
}
