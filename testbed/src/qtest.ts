import { ramArguments, type RamOptions } from './machine-arguments.ts';
import { QemuProcess, type ChildExit, type WaitOptions } from './qemu-process.ts';
import type { QmpEvent } from './qmp-client.ts';
import { QtestClient } from './qtest-client.ts';
import type { Testbed } from './testbed.ts';

export interface QtestOptions extends RamOptions {
  readonly testbed: Testbed;
  /** Of QEMU's `-machine`; `pc` if not given. */
  readonly machine?: string;
  readonly qemuArgs?: readonly string[];
  /** Changes QEMU's command line, as by putting a program before it that starts QEMU. */
  readonly command?: (line: string[]) => string[];
}

/** Bytes that go over the wire at once. */
const CHUNK = 65_536;
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const WIDTHS = { 1: 'b', 2: 'w', 4: 'l' } as const;

type Address = number | bigint;
/** Bytes of a config access. */
export type ConfigWidth = keyof typeof WIDTHS;

/** A machine without a processor, moved from outside: each access is made as a processor would make it. */
export class Qtest {
  readonly #qemu: QemuProcess;
  readonly #client: QtestClient;

  /** @internal Use {@link startQtest}. */
  constructor(qemu: QemuProcess, client: QtestClient) {
    this.#qemu = qemu;
    this.#client = client;
  }

  get pid(): number {
    return this.#qemu.pid;
  }
  get stderr(): string {
    return this.#qemu.stderr;
  }
  get exited(): ChildExit | undefined {
    return this.#qemu.exited;
  }

  inb = (port: number): Promise<number> => this.#number('inb', port);
  inw = (port: number): Promise<number> => this.#number('inw', port);
  inl = (port: number): Promise<number> => this.#number('inl', port);
  outb = (port: number, value: number): Promise<void> => this.#tell('outb', port, value);
  outw = (port: number, value: number): Promise<void> => this.#tell('outw', port, value);
  outl = (port: number, value: number): Promise<void> => this.#tell('outl', port, value);
  readb = (address: Address): Promise<number> => this.#number('readb', address);
  readw = (address: Address): Promise<number> => this.#number('readw', address);
  readl = (address: Address): Promise<number> => this.#number('readl', address);
  readq = async (address: Address): Promise<bigint> => BigInt(await this.#ask('readq', address));
  writeb = (address: Address, value: number): Promise<void> => this.#tell('writeb', address, value);
  writew = (address: Address, value: number): Promise<void> => this.#tell('writew', address, value);
  writel = (address: Address, value: number): Promise<void> => this.#tell('writel', address, value);
  writeq = (address: Address, value: bigint): Promise<void> => this.#tell('writeq', address, value);

  /** Reads guest memory. */
  async read(address: Address, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let done = 0; done < length; done += CHUNK) {
      const answer = await this.#ask('b64read', BigInt(address) + BigInt(done), Math.min(CHUNK, length - done));
      parts.push(Buffer.from(answer, 'base64'));
    }
    return Buffer.concat(parts);
  }

  /** Writes guest memory. */
  async write(address: Address, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; done += CHUNK) {
      const part = Buffer.from(bytes.subarray(done, done + CHUNK));
      await this.#ask('b64write', BigInt(address) + BigInt(done), part.length, part.toString('base64'));
    }
  }

  /** Moves the virtual clock by so many nanoseconds, or to the next timer. @returns the new time, in nanoseconds */
  async clockStep(nanoseconds?: number): Promise<bigint> {
    return BigInt(await (nanoseconds === undefined ? this.#ask('clock_step') : this.#ask('clock_step', String(nanoseconds))));
  }

  /** Reads a function's config space through ports 0xcf8 and 0xcfc. The offset is a multiple of the width. */
  async configRead(bus: number, device: number, fn: number, offset: number, width: ConfigWidth): Promise<number> {
    await this.outl(CONFIG_ADDRESS, configAddress(bus, device, fn, offset));
    return await this.#number(`in${WIDTHS[width]}`, CONFIG_DATA + (offset & 3));
  }

  async configWrite(bus: number, device: number, fn: number, offset: number, width: ConfigWidth, value: number): Promise<void> {
    await this.outl(CONFIG_ADDRESS, configAddress(bus, device, fn, offset));
    await this.#tell(`out${WIDTHS[width]}`, CONFIG_DATA + (offset & 3), value);
  }

  /** Runs a command of QEMU's monitor. @throws TestbedError `refused` with QEMU's words */
  qmp(command: string, args?: Readonly<Record<string, unknown>>, options: WaitOptions = {}): Promise<unknown> {
    return this.#qemu.execute(command, args, options);
  }

  /** The first event of that name, early or late, that no other call was given. */
  waitForEvent(name: string, predicate?: (event: QmpEvent) => boolean, options: WaitOptions = {}): Promise<QmpEvent> {
    return this.#qemu.waitForEvent(name, predicate, options);
  }

  /** Ends QEMU at once with SIGKILL. */
  kill(): Promise<ChildExit> {
    return this.#qemu.kill();
  }

  waitForExit(options: WaitOptions = {}): Promise<ChildExit> {
    return this.#qemu.waitForExit(options);
  }

  /** Ends QEMU and cleans up. May be called at any time and any number of times. */
  stop(): Promise<void> {
    return this.#qemu.stop();
  }

  #ask(...words: (string | Address)[]): Promise<string> {
    return this.#qemu.wait(this.#client.ask(...words), `the answer to qtest ${String(words[0])}`);
  }

  async #number(command: string, address: Address): Promise<number> {
    return Number(await this.#ask(command, address));
  }

  async #tell(command: string, address: Address, value: Address): Promise<void> {
    await this.#ask(command, address, value);
  }
}

/** Starts a machine to be moved by qtest. @throws TestbedError with QEMU's output if that does not work */
export async function startQtest(options: QtestOptions): Promise<Qtest> {
  const { testbed, machine = 'pc', qemuArgs = [], command } = options;
  const client = new QtestClient();
  const args = ['-nodefaults', '-no-user-config', '-display', 'none', '-machine', machine, '-accel', 'qtest', ...ramArguments(options), ...qemuArgs];
  const qemu = await QemuProcess.start({
    commandLine: (ours) => {
      const whole = [...testbed.qemuCommand, ...ours, '-qtest', 'chardev:qtest', '-qtest-log', 'none', ...args];
      return command?.(whole) ?? whole;
    },
    direct: command === undefined,
    channels: { qtest: client.connect },
  });
  return new Qtest(qemu, client);
}

/** PCI 3.0 §3.2.2.3.2, CONFIG_ADDRESS */
function configAddress(bus: number, device: number, fn: number, offset: number): number {
  return (0x80000000 | (bus << 16) | (device << 11) | (fn << 8) | (offset & 0xfc)) >>> 0;
}
