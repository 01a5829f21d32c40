/**
 * One sync thread's mailbox, in memory shared between the thread that asks and the thread that syncs: 32-bit words.
 * The asker moves IDLE to ASKED and DONE to IDLE, the sync thread ASKED to BEGUN to DONE, and IDLE to ENDED when it has
 * waited long enough.
 */
export const SyncMailbox = { state: 0, fd: 1, errno: 2, bytes: 12 };

export const SyncState = { idle: 0, asked: 1, begun: 2, done: 3, ended: 4 };

/** What a sync thread is given to live on. */
export interface SyncThreadData {
  readonly mailbox: SharedArrayBuffer;
  /** Signalled after each move to DONE or ENDED. */
  readonly eventFd: number;
  /** How long to wait for work before ending, in milliseconds. */
  readonly patience: number;
}
