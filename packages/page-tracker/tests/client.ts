import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { plainProgram } from '../../../scripts/plain-program.ts';
import type { Order } from './client-program.ts';

/** x86-64, asm/unistd_64.h */
export const SYS = { read: 0, mmap: 9, poll: 7, mprotect: 10, munmap: 11, mremap: 25, madvise: 28, nanosleep: 35, futex: 202, close: 3 } as const;
export const MADV_DONTNEED = 4;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;
const PAGE = 4096;
const PROGRAM = plainProgram(new URL('client-program.ts', import.meta.url));
/** Where the memory's descriptor is in the client. */
const MEMORY_FD = 3;

/** Another process that has the memory's descriptor, and does what it is told. */
export class Client {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];
  #address = 0n;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
  }

  static async start(memory: number): Promise<Client> {
    const client = new Client(spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit', memory] }) as ChildProcessByStdio<Writable, Readable, null>);
    await new Promise<string>((resolve) => client.#waiting.push(resolve));
    return client;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Where its first mapping is. */
  get address(): bigint {
    return this.#address;
  }

  async order(order: Order): Promise<bigint> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    return BigInt(await answer);
  }

  async call(number: number, ...args: readonly (number | bigint)[]): Promise<bigint> {
    const result = await this.order({ do: 'call', number, args: args.map(String) });
    if (result < 0n && result > -4096n) throw new Error(`system call ${number} failed with ${result}`);
    return result;
  }

  /** Maps the memory; at an address, whatever is there, if it is given. */
  async map(length: number, offset = 0, address = 0n): Promise<bigint> {
    const at = await this.call(SYS.mmap, address, length, PROT_READ_WRITE, address === 0n ? MAP_SHARED : MAP_SHARED | MAP_FIXED, MEMORY_FD, offset);
    if (this.#address === 0n) this.#address = at;
    return at;
  }

  /** Stores into pages of a mapping that begins with the first. */
  async store(pages: readonly number[], value: number, address = this.#address): Promise<void> {
    await this.order({ do: 'store', value, addresses: pages.map((page) => String(address + BigInt(page * PAGE))) });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Whether it has been ended by something else than {@link stop}. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
