import type { Returned } from '@vpmem/qmp/client';

/** A device, as `query-pmem` tells of it. */
export type PmemInfo = Returned<'query-pmem'>[number];

/** How many flushes took no longer than `up-to` microseconds, and longer than any step before. */
export type LatencyStep = NonNullable<PmemInfo['latency']>['steps'][number];
