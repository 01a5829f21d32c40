import { check, schedGetaffinity, schedGetcpu, schedSetaffinity } from '../libc.ts';

/** Room for 8,192 processors, as many as Linux can have on x86-64. */
const MASK_BYTES = 1024;

/**
 * Moves this thread to another of the processors that it may use, and lets it use all of them afterwards as before. False if there is
 * no other. Whoever looks for something and shares a core with who is to bring it does not get away by itself: neither runs for long.
 */
export function leaveCore(): boolean {
  const allowed = new Uint8Array(MASK_BYTES);
  check(schedGetaffinity(0, MASK_BYTES, allowed), 'sched_getaffinity');
  const others = allowed.slice();
  const core = check(schedGetcpu(), 'sched_getcpu');
  others[core >>> 3] = (others[core >>> 3] ?? 0) & ~(1 << (core & 7));
  // A processor can be taken away at any moment: then it stays where it is.
  if (others.every((byte) => byte === 0) || schedSetaffinity(0, MASK_BYTES, others) === -1) return false;
  schedSetaffinity(0, MASK_BYTES, allowed);
  return true;
}
