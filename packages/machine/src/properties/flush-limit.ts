import type { RateLimit } from '@vpmem/memory-backend';
import { MachineError } from '../machine-error.ts';

/** Above it there is no limit worth the name. */
export const MAX_OPS = 1_000_000;

/** A limit on the flushes of a device, as an option or a monitor asks for it. */
export interface FlushLimitRequest {
  /** Syncs a second; 0: any number. */
  readonly ops: number;
  /** How many at once after a pause. Default: as many as in a second. */
  readonly burst?: number | undefined;
}

/** Undefined is none. @throws MachineError for what there cannot be */
export function flushLimit({ ops, burst }: FlushLimitRequest): RateLimit | undefined {
  inRange('ops', ops, 0);
  if (ops === 0 && burst !== undefined) throw new MachineError('bad-value', 'burst', 'burst belongs to a limit, and ops=0 means no limit; give ops a number');
  if (ops === 0) return undefined;
  if (burst !== undefined) inRange('burst', burst, 1);
  return { ops, burst: burst ?? ops };
}

function inRange(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min && value <= MAX_OPS) return;
  throw new MachineError('bad-value', name, `${name}=${value} is not an integer from ${min} to ${MAX_OPS}`);
}
