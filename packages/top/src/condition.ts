import type { Entry } from './board.ts';

/** How something is, in one word, and how bad that is: 0 is worst. */
export interface Condition {
  readonly word: string;
  readonly rank: number;
  readonly tone: 'bad' | 'warning' | 'good' | 'quiet';
}

/** What is the matter with a device, or with its program. */
export function conditionOf({ daemon, device }: Pick<Entry, 'daemon' | 'device'>): Condition {
  if (daemon.state === 'gone') return { word: 'gone', rank: 5, tone: 'quiet' };
  const failed = device !== undefined && (device.info.flushes.failed > 0 || device.info.driver === 'failed');
  if (failed) return { word: 'FAILED', rank: 0, tone: 'bad' };
  if (device?.info.driver === 'needs-reset') return { word: 'needs-reset', rank: 1, tone: 'warning' };
  if (daemon.state === 'not answering') return { word: 'no answer', rank: 2, tone: 'warning' };
  if (device === undefined) return { word: 'no device', rank: 4, tone: 'quiet' };
  if (!device.info.connected) return { word: 'no client', rank: 3, tone: 'quiet' };
  return device.info.driver === 'none' ? { word: device.info.type === 'nvdimm' ? 'nvdimm' : 'no driver', rank: 3, tone: 'quiet' } : { word: device.info.driver, rank: 3, tone: 'good' };
}
