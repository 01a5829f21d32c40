// The body of a sync thread: it waits for its mailbox, syncs, and says so, until there was nothing to do for a while.
import { fdatasyncSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { SyncMailbox, SyncState, type SyncThreadData } from './sync-mailbox.ts';

const { mailbox, eventFd, patience } = workerData as SyncThreadData;
const words = new Int32Array(mailbox);
// What eventfd(2) wants to be written. The FFI stays out of this thread: it would cost a megabyte for one system call.
const ONE = Buffer.from(BigUint64Array.of(1n).buffer);

nameThread('vpmem sync');
move(SyncState.starting, SyncState.idle);
writeSync(eventFd, ONE);
for (;;) {
  const state = Atomics.load(words, SyncMailbox.state);
  // Everything the asker saw before this exchange is covered: the sync begins after it.
  if (move(SyncState.asked, SyncState.begun)) {
    Atomics.store(words, SyncMailbox.errno, sync(Atomics.load(words, SyncMailbox.fd)));
    Atomics.store(words, SyncMailbox.state, SyncState.done);
    writeSync(eventFd, ONE);
  } else if (Atomics.wait(words, SyncMailbox.state, state, patience) === 'timed-out' && move(SyncState.idle, SyncState.ended)) {
    break;
  }
}
writeSync(eventFd, ONE);

/** Whether the mailbox was in `from`, and is in `to` now. */
function move(from: number, to: number): boolean {
  return Atomics.compareExchange(words, SyncMailbox.state, from, to) === from;
}

/** The errno, 0 for success. */
function sync(fd: number): number {
  try {
    fdatasyncSync(fd);
    return 0;
  } catch (error) {
    return -((error as NodeJS.ErrnoException).errno ?? -5);
  }
}
