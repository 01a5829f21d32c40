import { fdatasync, fdatasyncSync } from 'node:fs';
import type { BackendDescription } from '../backend-description.ts';

/** Makes everything written to a file so far durable. One sync at a time. */
export interface Syncer {
  /** Begins a sync now or soon; `done` is called later, or from within if it is over by then, with the error if it failed. */
  start(done: (error: NodeJS.ErrnoException | undefined) => void): void;
  /**
   * Whether the sync that was started last has begun. Until it has, what is written is still covered by it. A syncer that
   * cannot tell says true.
   */
  readonly begun: boolean;
  /** Nobody waits for the sync any more: if it was being held back, it need not be. */
  release?(): void;
}

/** fdatasync on node's own thread pool: for threads whose event loop runs. */
export function fileSyncer(fd: number): Syncer {
  return {
    begun: true,
    start: (done) => fdatasync(fd, (error) => done(error ?? undefined)),
  };
}

/** fdatasync by the thread that asks. Only for files whose sync never waits, as `syncsAtOnce` of {@link BackendDescription} says. */
export function promptSyncer(fd: number): Syncer {
  return {
    begun: true,
    start: (done) => {
      let failure: NodeJS.ErrnoException | undefined;
      try {
        fdatasyncSync(fd);
      } catch (error) {
        failure = error as NodeJS.ErrnoException;
      }
      done(failure);
    },
  };
}

/**
 * For memory without anything durable behind it: there is nothing to wait for. Where the user said readonly=on, that is not what
 * a guest expects that flushes, so it is told in the only way there is: the flush fails.
 */
export function volatileSyncer({ id, readonly = false }: Pick<BackendDescription, 'id' | 'readonly'>): Syncer {
  const error = readonly ? Object.assign(new Error(`memory backend '${id}' has readonly=on, so nothing becomes durable`), { code: 'EROFS' }) : undefined;
  return {
    begun: true,
    start: (done) => done(error),
  };
}
