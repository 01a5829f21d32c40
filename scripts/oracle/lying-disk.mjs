// A sabotage, for the test that the oracle finds it: whatever a simulated medium writes to its file gets lost, and the flush is
// answered all the same.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { workerData } from 'node:worker_threads';

if (workerData?.medium !== undefined) {
  const { writeSync } = fs;
  fs.writeSync = (fd, bytes, offset, length, position) => (position === undefined ? writeSync(fd, bytes) : length);
  syncBuiltinESMExports();
}
