/**
 * One sync thread's mailbox, in memory shared between the thread that asks and the thread that syncs: 32-bit words.
 * The asker moves IDLE to ASKED and DONE to IDLE; the sync thread STARTING to IDLE, ASKED to BEGUN to DONE, and IDLE to ENDED
 * when it has waited long enough. It is woken for ASKED only: that its result was taken, which is DONE to IDLE, is nothing to do for it.
 */
export const SyncMailbox = { state: 0, fd: 1, errno: 2, bytes: 12 };

export const SyncState = { starting: 0, idle: 1, asked: 2, begun: 3, done: 4, ended: 5 };

/** What a sync thread is given to live on. */
export interface SyncThreadData {
  readonly mailbox: SharedArrayBuffer;
  /** Signalled after each move of the thread's but that to BEGUN. */
  readonly eventFd: number;
  /** How long to wait for work before ending, in milliseconds. */
  readonly patience: number;
}
