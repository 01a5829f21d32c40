import { check, pipe2 } from '../libc.ts';

const O_CLOEXEC = 0o2000000;

/** A pipe: its end to read from and its end to write to, both close-on-exec and blocking. Unlike a socket it can be opened anew by /dev/stdout. */
export function openPipe(): [readEnd: number, writeEnd: number] {
  const ends = new Int32Array(2);
  check(pipe2(ends, O_CLOEXEC), 'pipe2');
  return [ends[0] ?? -1, ends[1] ?? -1];
}
