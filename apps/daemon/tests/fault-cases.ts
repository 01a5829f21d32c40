/** What became of a VM in whose life a system call of the daemon failed. */
export type Outcome = 'goes on' | 'the flush fails' | 'the VM loses the device';

/** A system call, how it fails, and what may become of that. */
export interface FaultCase {
  readonly call: string;
  /** Only calls on the log file, or on the client's RAM. Default: all. */
  readonly on?: 'log' | 'ram';
  /** How many of its calls there are in a life depends on how fast that is; so the first only. */
  readonly first?: true;
  readonly errors: Readonly<Record<string, readonly Outcome[]>>;
}

const ON: readonly Outcome[] = ['goes on'];
const FLUSH: readonly Outcome[] = ['the flush fails'];
const LOST: readonly Outcome[] = ['the VM loses the device'];
// The last message is the end of the conversation, which a failure to read it ends as well.
const LOST_OR_OVER: readonly Outcome[] = ['the VM loses the device', 'goes on'];

export const faultCases: readonly FaultCase[] = [
  { call: 'fdatasync', errors: { EIO: FLUSH, ENOSPC: FLUSH, ENOMEM: FLUSH, EMFILE: FLUSH, EINTR: ON } },
  { call: 'mmap', on: 'ram', errors: { ENOMEM: LOST, EMFILE: LOST, EIO: LOST, ENOSPC: LOST, EINTR: LOST } },
  { call: 'recvmsg', errors: { EIO: LOST_OR_OVER, ENOSPC: LOST_OR_OVER, ENOMEM: LOST_OR_OVER, EMFILE: LOST_OR_OVER, EINTR: ON } },
  { call: 'sendmsg', errors: { EIO: LOST, ENOSPC: LOST, ENOMEM: LOST, EMFILE: LOST, EINTR: ON } },
  // Of the others only eventfds are written to, which does not fail, and libuv relies on that.
  { call: 'write', on: 'log', first: true, errors: { EIO: ON, ENOSPC: ON, ENOMEM: ON, EMFILE: ON, EINTR: ON } },
  { call: 'io_submit', errors: { ENOMEM: ON, EAGAIN: ON, EIO: ON } },
  { call: 'accept4', errors: { EMFILE: ON, ENOMEM: ON, EINTR: ON, ECONNABORTED: ON } },
];
