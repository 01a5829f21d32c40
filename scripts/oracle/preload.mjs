// Loaded into every program and thread of the tests by vitest.oracle.config.ts: gives each backend a simulated medium, and
// has the oracle look at each flush. What it finds goes to files beside the name in VPMEM_ORACLE_RECORD.
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, statSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

// Threads that sync have nothing to watch, and would load the FFI for it.
const syncs = workerData?.mailbox !== undefined || workerData?.medium !== undefined;
if (!syncs) {
  const { FlushWatch } = await import('../../packages/simulated-medium/dist/flush-watch.js');
  subscribe('vpmem:memory-backend:opening', (message) => {
    if (canLosePower(message.options)) message.options = { ...message.options, powerFailure: true };
  });
  subscribe('vpmem:memory-backend:made', ({ backend, description }) => {
    FlushWatch.of(backend, description, (violation) => {
      const record = process.env.VPMEM_ORACLE_RECORD;
      if (violation !== undefined) appendFileSync(`${record}.violations`, `${violation.message}\n`);
      appendFileSync(`${record}.flushes`, '.');
    });
  });
}

/** power-failure=on takes a shared file with a name. */
function canLosePower({ type, share = false, readonly = false, memPath }) {
  if (type !== 'memory-backend-file' || !share || readonly) return false;
  return statSync(memPath, { throwIfNoEntry: false })?.isDirectory() !== true;
}
