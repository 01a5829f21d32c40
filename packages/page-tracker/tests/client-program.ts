// A client for tests, in a process of its own: makes the system calls and stores that it is told to, one line of JSON each, on stdin.
import { readSync, writeSync } from 'node:fs';
import { Mapping } from '@vpmem/native';
import { callSystem, viewAt } from '@vpmem/native/testing';

export type Order =
  | { readonly do: 'call'; readonly number: number; readonly args: readonly string[] }
  | { readonly do: 'store'; readonly addresses: readonly string[]; readonly value: number }
  /** Stores an ever larger number into pages at random, until the first word of them is not zero. */
  | { readonly do: 'spin'; readonly address: string; readonly pages: number }
  /** A child stores, and ends at once or when the word at `until` is not zero. */
  | { readonly do: 'fork'; readonly address: string; readonly value: number; readonly until: string | undefined }
  | { readonly do: 'filter' }
  /** Waits so many milliseconds in a system call, and answers what that returned. */
  | { readonly do: 'wait'; readonly in: 'nanosleep' | 'poll' | 'futex' | 'read'; readonly milliseconds: number };

const PAGE = 4096n;
const SYS = { read: 0, close: 3, poll: 7, mprotect: 10, nanosleep: 35, futex: 202, timerfdCreate: 283, timerfdSettime: 286, clone: 56, wait4: 61, prctl: 157, seccomp: 317 } as const;
const SIGCHLD = 17;
/** A seccomp filter of one instruction: return SECCOMP_RET_ALLOW. */
const ALLOW = 0x7fff_0000_0000_0006n;

const word = (address: string | bigint): Uint32Array => new Uint32Array(viewAt(BigInt(address), 4));

function spin(address: bigint, pages: number): number {
  const bytes = new Uint32Array(viewAt(address, pages * Number(PAGE)));
  let count = 0;
  for (let random = 1; bytes[0] === 0; count++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    bytes[((random >> 8) % pages) * 1024 + 1] = count;
  }
  return count;
}

/** The child runs a few instructions of our own: node's heap is not there after a fork. */
function fork({ address, value, until }: Order & { do: 'fork' }): bigint {
  const memory = Mapping.anonymous(8192);
  const code = new DataView(memory.window(0, 4096));
  // mov rax, address; mov dword [rax], value; mov rax, until; pause; cmp dword [rax], 0; je to pause; mov eax, exit_group; xor edi, edi; syscall
  const text = '48b80000000000000000 c70000000000 48b80000000000000000 f390 833800 74f9 b8e7000000 31ff 0f05';
  for (const [i, byte] of Buffer.from(text.replaceAll(' ', ''), 'hex').entries()) code.setUint8(i, byte);
  code.setBigUint64(2, BigInt(address), true);
  code.setUint32(12, value, true);
  code.setBigUint64(18, BigInt(until ?? address), true);
  callSystem(SYS.mprotect, memory.address, 4096, 7);
  // The C library's function returns to what is on the stack, which is the child's own.
  new DataView(memory.window(8184, 8)).setBigUint64(0, memory.address, true);
  const pid = callSystem(SYS.clone, SIGCHLD, memory.address + 8184n);
  if (until === undefined) callSystem(SYS.wait4, pid);
  return pid;
}

/** A seccomp filter that lets everything pass, on all threads. */
function filter(): bigint {
  const memory = Mapping.anonymous(4096);
  // struct sock_fprog: length, address; then the program.
  new BigUint64Array(memory.window(0, 24)).set([1n, memory.address + 16n, ALLOW]);
  callSystem(SYS.prctl, 38, 1, 0, 0, 0);
  return callSystem(SYS.seccomp, 1, 1, memory.address);
}

function wait({ in: call, milliseconds }: Order & { do: 'wait' }): bigint {
  const memory = Mapping.anonymous(4096);
  const words = new BigUint64Array(memory.window(0, 64));
  // struct itimerspec: no interval, and the time, which is a struct timespec.
  const time = memory.address + 16n;
  words[2] = BigInt(Math.floor(milliseconds / 1000));
  words[3] = BigInt(milliseconds % 1000) * 1_000_000n;
  if (call === 'nanosleep') return callSystem(SYS.nanosleep, time);
  if (call === 'poll') return callSystem(SYS.poll, 0, 0, milliseconds);
  if (call === 'futex') return callSystem(SYS.futex, memory.address + 48n, 0, 0, time);
  const timer = callSystem(SYS.timerfdCreate, 1, 0);
  callSystem(SYS.timerfdSettime, timer, 0, memory.address, 0);
  const result = callSystem(SYS.read, timer, memory.address + 56n, 8);
  callSystem(SYS.close, timer);
  return result;
}

function carryOut(order: Order): bigint | number {
  switch (order.do) {
    case 'call':
      return callSystem(order.number, ...order.args.map(BigInt));
    case 'store':
      for (const address of order.addresses) word(address)[0] = order.value;
      return 0;
    case 'spin':
      return spin(BigInt(order.address), order.pages);
    case 'fork':
      return fork(order);
    case 'filter':
      return filter();
    case 'wait':
      return wait(order);
  }
}

const input = Buffer.alloc(65_536);
let rest = '';
writeSync(1, 'ready\n');
for (;;) {
  const count = readSync(0, input);
  if (count === 0) break;
  const lines = (rest + input.toString('utf8', 0, count)).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) writeSync(1, `${carryOut(JSON.parse(line) as Order)}\n`);
}
