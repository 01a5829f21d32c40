import { constants, openSync } from 'node:fs';
import type { Syncer } from './flushes/syncer.ts';

/**
 * The file of a descriptor, opened once more, for who may die before it has noted that a sync failed. The kernel tells of a write that was
 * lost once to each open file: so this one still knows what the other was told. Undefined where the file cannot be opened by who asks.
 */
export function openWitness(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

/**
 * Syncs by `own`, and has a {@link openWitness witness} that another process may have needed, which died: with `unsure`, the first sync is
 * that of the witness, and fails where a write was lost of which perhaps only the dead one was told. Once something has failed, the other of
 * the two is asked as well, later: what is lost is lost once.
 */
export function witnessedSyncer(own: Syncer, witness: Syncer, unsure: boolean): Syncer {
  let asked = !unsure;
  let asking = false;
  const forget = (): void => undefined;
  const ownSync = (done: Parameters<Syncer['start']>[0]): void =>
    own.start((error) => {
      done(error);
      if (error !== undefined) witness.start(forget);
    });
  return {
    get begun(): boolean {
      return !asking && own.begun;
    },
    start: (done) => {
      if (asked) return ownSync(done);
      asking = true;
      witness.start((error) => {
        [asked, asking] = [true, false];
        if (error === undefined) return ownSync(done);
        done(error);
        own.start(forget);
      });
    },
  };
}
