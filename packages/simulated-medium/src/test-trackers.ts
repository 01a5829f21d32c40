import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { uffdObstacle, type TrackerKind } from '@vpmem/page-tracker';

/** A page tracker to test with, and why that cannot be had on this machine. */
export interface TrackerChoice {
  readonly kind: TrackerKind;
  readonly obstacle: string | undefined;
}

/** All there are. */
export const TRACKERS: readonly TrackerChoice[] = [
  { kind: 'uffd', obstacle: obstacleHere() },
  { kind: 'compare', obstacle: undefined },
];

/** For the end of a test's name. */
export function withTracker({ kind, obstacle }: TrackerChoice): string {
  return `, page-tracker=${kind}${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`;
}

function obstacleHere(): string | undefined {
  const size = 4096;
  const fd = createMemfd('vpmem-tracker', size);
  try {
    return uffdObstacle({ memory: { fd, offset: 0 }, file: { fd, offset: 0 }, size });
  } finally {
    closeSync(fd);
  }
}
