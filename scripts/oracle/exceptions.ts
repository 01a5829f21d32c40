/** A test that cannot run under the oracle. */
interface Exception {
  /** The end of its name, with those of the groups it is in before it, with spaces between. */
  readonly test: string;
  readonly because: string;
}

/** As few as can be. Not run at all: tests whose flushes a ManualSyncer answers, and the demonstration, which has its own syncer. */
export const EXCEPTIONS: readonly Exception[] = [
  { test: 'a reset ends what was under way and finds the disks anew, their contents as they were', because: 'the test itself answers its flushes, and writes nothing' },
  { test: 'device_del takes the memory from the guest: what comes to that address is what it says it is', because: 'it finds in the file what was not flushed' },
  { test: 'device_del a hundred times leaves nothing behind', because: 'it counts descriptors, and the thread of a medium closes its own a moment after its device has gone' },
  { test: 'object_del lets go of a backend nobody uses; its file stays', because: 'it counts the one descriptor of a backend, which has two' },
  { test: 'a device whose file is what the guest sees has nothing to lose', because: 'it is about a backend without power-failure=on' },
  { test: 'makes everything durable and ends, even where no descriptor is left for another thread', because: 'it leaves none for what the oracle writes down either' },
  { test: 'vpmemd after kill -9 starts again on the same files and sockets', because: 'it finds what was not flushed: kill -9 is a power cut' },
];

/** Matches the names of all others. */
export const NOT_EXCEPTED = new RegExp(`^(?!.*(?:${EXCEPTIONS.map(({ test }) => test.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$)`);
