import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { openTracker, PAGE_SIZE } from '../src/index.ts';

/** Why the kernel cannot be asked here; undefined if it can. */
export function untrackable(): string | undefined {
  const trial = createMemfd('trial', PAGE_SIZE);
  const span = { fd: trial, offset: 0 };
  const tracker = openTracker({ memory: span, file: span, size: PAGE_SIZE }, { want: 'auto' });
  tracker.close();
  closeSync(trial);
  return tracker.reason;
}
