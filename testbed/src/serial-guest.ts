import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AgentChannel } from './agent-channel.ts';
import { makeInitramfs } from './initramfs.ts';
import { kernelLine } from './kernel-line.ts';
import type { KernelName } from './kernel-package.ts';
import { TestbedError } from './testbed-error.ts';
import type { Testbed } from './testbed.ts';
import { findVmlinux } from './vmlinux.ts';

/** What a virtual machine boots that somebody else makes and starts: console on its first serial port, commands on its second. */
export interface GuestImage {
  readonly kernel: string;
  readonly initramfs: string;
  /** The kernel's command line. */
  readonly append: string;
  /** For {@link SerialGuest}. */
  readonly token: string;
}

/** Makes the image of a guest without further tools. */
export async function makeGuestImage(testbed: Testbed, name: KernelName = '6.12'): Promise<GuestImage> {
  const kernel = testbed.kernels[name];
  const token = randomBytes(12).toString('hex');
  return { kernel: await findVmlinux(testbed, kernel), initramfs: await makeInitramfs(testbed, kernel), append: kernelLine('quick', `vpmem.token=${token}`), token };
}

/** Commands for a guest whose second serial port is a socket that its machine listens at. */
export class SerialGuest {
  readonly #agent: AgentChannel;
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();
  #boots = 0;
  #broken: string | undefined;

  /** To be called before the guest is up: what it says while nobody listens is lost. */
  static async connect(path: string, token: string): Promise<SerialGuest> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new SerialGuest(socket, token);
  }

  private constructor(socket: Socket, token: string) {
    this.#socket = socket;
    this.#agent = new AgentChannel(token, (line) => void socket.write(line), {
      ready: () => {
        this.#boots++;
        this.#changed();
      },
      broken: (problem) => {
        this.#broken = problem;
        this.#changed();
      },
    });
    socket.on('data', (bytes) => this.#agent.receive(bytes));
    const gone = (): void => {
      this.#broken ??= 'its machine is gone';
      this.#agent.fail(new TestbedError('dead', this.#broken));
      this.#changed();
    };
    socket.on('error', gone);
    socket.on('close', gone);
  }

  /** Waits until the guest has come up that often, counted from 1. @throws TestbedError if its machine ends first */
  async waitReady(boot: number): Promise<void> {
    while (this.#boots < boot) {
      if (this.#broken !== undefined) throw new TestbedError('dead', this.#broken);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Runs a shell script that has to succeed. @returns its output without the last line end */
  async sh(script: string): Promise<string> {
    const { status, output } = await this.#agent.run(script);
    if (status !== 0) throw new TestbedError('refused', `in the guest, with status ${status}: ${script}\n${output}`);
    return output.replace(/\n$/, '');
  }

  close(): void {
    this.#socket.destroy();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
