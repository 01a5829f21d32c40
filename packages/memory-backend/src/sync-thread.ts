// The body of a sync thread: it waits for its mailbox, syncs, and says so. It does nothing else for as long as it lives.
import { fdatasyncSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { SyncMailbox, SyncState, type SyncThreadData } from './sync-mailbox.ts';

const { mailbox, eventFd } = workerData as SyncThreadData;
const words = new Int32Array(mailbox);
// What eventfd(2) wants to be written. The FFI stays out of this thread: it would cost a megabyte for one system call.
const ONE = Buffer.from(BigUint64Array.of(1n).buffer);

for (;;) {
  Atomics.wait(words, SyncMailbox.state, SyncState.idle);
  Atomics.wait(words, SyncMailbox.state, SyncState.done);
  // Everything the asker saw before this exchange is covered: the sync begins after it.
  if (Atomics.compareExchange(words, SyncMailbox.state, SyncState.asked, SyncState.begun) !== SyncState.asked) continue;
  Atomics.store(words, SyncMailbox.errno, sync(Atomics.load(words, SyncMailbox.fd)));
  Atomics.store(words, SyncMailbox.state, SyncState.done);
  writeSync(eventFd, ONE);
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
