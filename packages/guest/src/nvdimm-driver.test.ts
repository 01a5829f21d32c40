import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { DsmPort, DSM_PORT, DSM_PORT_SIZE, HOTPLUG_EVENT, makeSsdt, Nvdimm, NvdimmRoot, placeAcpiTables, type NvdimmOptions } from '@vpmem/nvdimm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestError } from './guest-error.ts';
import { GuestMachine } from './guest-machine.ts';
import { Guest } from './guest.ts';

const MIB = 2 ** 20;
const LABELS = 128 * 1024;
const SIZE = 8 * MIB + LABELS;
const RAM = 16 * MIB;
const PAGE = RAM - 4096;
const TABLES = { rsdp: 0xf_0000, tables: PAGE - 32 * 1024 };
const BASE = 0x1_0000_0000;

/** The firmware and the boards of a machine with NVDIMMs. */
class Platform {
  readonly machine = new GuestMachine({ reserved: [{ start: TABLES.tables, size: RAM - TABLES.tables }, { start: 0xe_0000, size: 0x2_0000 }] });
  readonly root = new NvdimmRoot({ persistence: 'cpu' });
  readonly said: string[] = [];
  readonly fds: number[] = [];

  constructor() {
    const port = new DsmPort(this.root, this.machine.memory);
    this.machine.ports.add({ start: DSM_PORT, size: DSM_PORT_SIZE, read: () => port.read(), write: (...access) => void port.write(...access) });
  }

  /** Plugs an NVDIMM in; `say` tells the guest. */
  plug(slot: number, options: Partial<NvdimmOptions> = {}, say = false): Nvdimm {
    const fd = createMemfd(`nvdimm${slot}`, SIZE);
    this.fds.push(fd);
    const backend = { id: `mem${slot}`, size: SIZE, fd, offset: 0, read: () => 0, write: () => undefined };
    const device = new Nvdimm(backend, { id: `nv${slot}`, slot, address: BASE + slot * 16 * MIB, align: 4096, labelSize: LABELS, ...options });
    this.machine.map({ address: BigInt(device.address), size: device.size, fd, fileOffset: 0 });
    this.root.plug(device);
    if (say) this.machine.events.raise(HOTPLUG_EVENT);
    return device;
  }

  /** What firmware does at power-on and at each reset. */
  putTables(): void {
    const nfit = this.root.nfit();
    const tables = [...(nfit === undefined ? [] : [nfit]), makeSsdt({ slots: 8, page: PAGE, hotplugEvent: true })];
    for (const { address, bytes } of placeAcpiTables(tables, TABLES)) expect(this.machine.memory.write(address, bytes)).toBe(true);
  }

  boot(): Guest {
    this.putTables();
    return new Guest({ machine: this.machine, problem: (text) => this.said.push(text) });
  }
}

let platform: Platform;
let guest: Guest | undefined;
beforeEach(() => {
  platform = new Platform();
  guest = undefined;
});
afterEach(async () => {
  await guest?.close();
  for (const fd of platform.fds) closeSync(fd);
});

describe('NVDIMMs found through tables in RAM', () => {
  it('are disks for loads and stores, and fsync asks nobody', async () => {
    platform.plug(3);
    platform.plug(1, { labelSize: 0, node: 1 });
    guest = platform.boot();
    expect(platform.said).toEqual([]);
    expect(guest.nvdimms).toMatchObject([
      { name: 'nmem0', handle: 2, address: BigInt(BASE + 16 * MIB), size: SIZE, labelSize: 0, node: 1, armed: true },
      { name: 'nmem1', handle: 4, address: BigInt(BASE + 48 * MIB), size: 8 * MIB, labelSize: LABELS, node: 0, armed: true },
    ]);
    expect(guest.disks).toMatchObject([
      { name: 'pmem0', place: { nvdimm: 2 }, size: SIZE },
      { name: 'pmem1', place: { nvdimm: 4 }, size: 8 * MIB },
    ]);
    const disk = guest.disks[1]!;
    disk.write(8 * MIB - 4, Buffer.from('last'));
    await disk.fsync();
    expect(Buffer.from(disk.read(8 * MIB - 4, 4)).toString()).toBe('last');
    expect(() => disk.write(8 * MIB - 3, Buffer.from('last'))).toThrow(RangeError);
    expect(guest.disks[0]!.read(8 * MIB - 4, 4)).toEqual(new Uint8Array(4));
  });
});

it('what is not armed is for reading', () => {
  platform.plug(0, { unarmed: true });
  guest = platform.boot();
  expect(guest.disks[0]!.read(0, 2)).toEqual(new Uint8Array(2));
  expect(() => guest!.disks[0]!.write(0, Uint8Array.of(1))).toThrow(new GuestError('pmem0 is read-only: its NVDIMM is not armed, so nothing stored there would last'));
});
