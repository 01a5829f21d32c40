import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine } from '@vpmem/served-machine';
import { QemuConnection, QemuMachine, substitute } from '@vpmem/qemu';
import type { Testbed } from '@vpmem/testbed';
import { NO_TAKEN, QemuMonitors, takeMonitors, type TakenMonitors } from '../src/index.ts';

/** A QEMU without a guest whose monitors this process answers. */
export class RelayedQemu {
  /** For what a test needs; gone with the rest. */
  readonly folder: string;
  readonly machine: QemuMachine;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #stop: () => Promise<void>;

  /** Resolves when QEMU takes commands. @param args for a folder of sockets and files */
  static async start(testbed: Testbed, args: (folder: string) => readonly string[]): Promise<RelayedQemu> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-relayed-'));
    const failed = (error: unknown): void => void process.stderr.write(`${String(error)}\n`);
    const served = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
    const connection = await QemuConnection.listen(folder);
    let taken: TakenMonitors = NO_TAKEN;
    const substitution = substitute(args(folder), { takeMonitors: (items) => (taken = takeMonitors(items, folder)) });
    const machine = new QemuMachine(served, connection, { backends: substitution.otherBackends, failed });
    const monitors = await QemuMonitors.open(taken, { program: 'test', version: '0', warn: failed, internalError: failed });
    const [command = '', ...words] = testbed.qemuCommand;
    const child = spawn(command, [...words, '-nodefaults', '-display', 'none', '-accel', 'qtest', '-S', ...connection.args, ...substitution.args([], (name) => name)], { stdio: ['ignore', 'inherit', 'inherit'] });
    const exit = once(child, 'exit');
    void exit.then(() => connection.close());
    await connection.greeted;
    monitors.attach({ machine, version: testbed.qemuVersion });
    return new RelayedQemu(folder, machine, child, exit, async () => {
      await monitors.close();
      await served.close();
    });
  }

  private constructor(folder: string, machine: QemuMachine, child: ChildProcess, exit: Promise<unknown>, stop: () => Promise<void>) {
    this.folder = folder;
    this.machine = machine;
    this.#child = child;
    this.#exit = exit;
    this.#stop = stop;
  }

  /** Settles when QEMU has ended. */
  get ended(): Promise<unknown> {
    return this.#exit;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    await this.#stop();
    rmSync(this.folder, { recursive: true });
  }
}
