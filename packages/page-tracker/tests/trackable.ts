import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { PAGE_SIZE, uffdObstacle } from '../src/index.ts';

/** Why the kernel cannot be asked here; undefined if it can. */
export function untrackable(): string | undefined {
  const trial = createMemfd('trial', PAGE_SIZE);
  try {
    const span = { fd: trial, offset: 0 };
    return uffdObstacle({ memory: span, file: span, size: PAGE_SIZE });
  } finally {
    closeSync(trial);
  }
}
