import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddedDevice, MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { EmbeddedMachine, type EmbeddedMachineOptions } from '../src/embedded-machine.ts';

/** For tests of this package: a machine with a folder for its files, and everything it said. */
export class MachineBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'vpmem-embedded-'));
  readonly warnings: string[] = [];
  readonly events: MachineEvent[] = [];
  readonly machine: EmbeddedMachine;

  constructor(options: Omit<EmbeddedMachineOptions, 'warn'> = {}) {
    this.machine = EmbeddedMachine.create({ memory: '256M,maxmem=4G,slots=2', ...options, warn: (text) => this.warnings.push(text) });
    this.machine.onEvent((event) => this.events.push(event));
  }

  /** Names of what happened. */
  get happened(): string[] {
    return this.events.map(({ name }) => name);
  }

  object(text: string): Promise<void> {
    return this.machine.addObject(parseOption(text, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
  }

  device(text: string): Promise<AddedDevice> {
    return this.machine.addDevice(parseOption(text, { grammar: 'qemuopts', impliedKey: 'driver' }));
  }

  path(id: string): string {
    return join(this.folder, `${id}.img`);
  }

  /** A shared file of its own for each id. */
  async files(ids: readonly string[], size = '4M'): Promise<void> {
    for (const id of ids) await this.object(`memory-backend-file,id=${id},share=on,mem-path=${this.path(id)},size=${size}`);
  }

  /** Files of the folder this process has open, each once: what locks one is a descriptor of its own. */
  openFiles(): string[] {
    const targets = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(this.folder) ? [target] : [];
      } catch {
        // The descriptor of this very listing is gone again.
        return [];
      }
    });
    return [...new Set(targets)];
  }

  async close(): Promise<void> {
    await this.machine.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Everything a monitor can see, to compare before and after. */
export async function everything(machine: EmbeddedMachine): Promise<unknown> {
  return {
    tree: machine.tree(),
    backends: machine.backends(),
    memoryDevices: await machine.memoryDevices(),
    memorySize: machine.memorySize(),
    pci: await machine.pciBuses(),
    qtree: await machine.mainBus(),
    mtree: await machine.addressSpaces(),
    pmem: (await machine.pmem()).map(({ id }) => id),
    disks: machine.guest.disks(),
  };
}
