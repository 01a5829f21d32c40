import { GuestMachine } from '@vpmem/guest';
import { MAX_SLOTS, Nvdimm } from '@vpmem/nvdimm';
import { findAcpiTables } from '@vpmem/nvdimm/driver';
import { afterEach, describe, expect, it } from 'vitest';
import { Firmware, firmwarePlaces } from './firmware.ts';
import { GuestRun } from '../guest-run.ts';
import { readMachine } from '../machine-properties.ts';
import { memoryLayout } from './memory-layout.ts';

const machines: GuestMachine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function make(machine: string, memory: string): { firmware: Firmware; hardware: GuestMachine; page: number | undefined; tables: () => { signature: string; length: number }[]; written: () => number[] } {
  const settings = readMachine([machine], [memory]);
  const layout = memoryLayout(settings.family, settings.memory);
  const places = firmwarePlaces(settings, layout);
  const hardware = new GuestMachine({ ram: layout.ram, reserved: places?.reserved ?? [] });
  machines.push(hardware);
  const firmware = new Firmware(settings, places, hardware);
  const read = (address: number, length: number): Uint8Array | undefined => {
    const bytes = new Uint8Array(length);
    return hardware.memory.read(address, bytes) ? bytes : undefined;
  };
  return {
    firmware,
    hardware,
    page: places?.page,
    tables: () => findAcpiTables(read).map((bytes) => ({ signature: Buffer.from(bytes.subarray(0, 4)).toString(), length: bytes.length })),
    // Pages of RAM with anything in them.
    written: () => {
      const page = new Uint8Array(4096);
      const all = Array.from({ length: (layout.ram[0]?.size ?? 0) / 4096 }, (_, i) => i * 4096);
      return all.filter((at) => hardware.memory.read(at, page) && page.some((byte) => byte !== 0));
    },
  };
}

function plug(firmware: Firmware, slot: number): void {
  const backend = { id: `m${slot}`, size: 4096, fd: -1, offset: 0, read: () => 0, write: () => undefined };
  firmware.root.plug(new Nvdimm(backend, { id: `nv${slot}`, slot, address: 2 ** 32 + slot * 4096, align: 4096 }));
}

describe('firmware', () => {
  it('has an SSDT where there are slots, and an NFIT of what is plugged in, anew each time it runs', () => {
    const { firmware, tables } = make('pc,nvdimm=on,nvdimm-persistence=cpu', '16M,slots=2,maxmem=1G');
    expect(tables()).toEqual([]);
    firmware.run();
    expect(tables()).toMatchObject([{ signature: 'SSDT' }]);
    plug(firmware, 0);
    expect(tables()).toHaveLength(1);
    firmware.run();
    expect(tables()).toMatchObject([{ signature: 'NFIT', length: 40 + 184 + 16 }, { signature: 'SSDT' }]);
    plug(firmware, 1);
    firmware.run();
    expect(tables()).toMatchObject([{ signature: 'NFIT', length: 40 + 2 * 184 + 16 }, { signature: 'SSDT' }]);
  });

  it('tells of what came and went before a guest that was held back runs, and of nothing anew to one that was stopped', () => {
    const { firmware, hardware, tables } = make('pc,nvdimm=on', '256M,slots=2,maxmem=1G');
    hardware.processor.stop();
    const run = new GuestRun({ hardware, firmware, emit: () => undefined, warn: () => undefined });
    run.start();
    plug(firmware, 0);
    expect(tables()).toMatchObject([{ signature: 'SSDT' }]);
    run.cont();
    expect(tables()).toMatchObject([{ signature: 'NFIT', length: 40 + 184 }, { signature: 'SSDT' }]);
    run.stop();
    plug(firmware, 1);
    run.cont();
    expect(tables()).toMatchObject([{ signature: 'NFIT', length: 40 + 184 }, { signature: 'SSDT' }]);
    run.stop();
    run.reset();
    expect(tables()).toMatchObject([{ signature: 'NFIT', length: 40 + 2 * 184 }, { signature: 'SSDT' }]);
    run.end('host-qmp-quit');
  });

  it('keeps within what it tells the guest to leave alone, in the least RAM and with the most slots', () => {
    const { firmware, hardware, page = 0, tables, written } = make('q35,nvdimm=on,nvdimm-persistence=cpu', `2M,slots=${MAX_SLOTS},maxmem=1G`);
    for (let slot = 0; slot < MAX_SLOTS; slot++) plug(firmware, slot);
    firmware.run();
    expect(tables()).toHaveLength(2);
    const inside = (at: number): boolean => hardware.reserved.some(({ start, size }) => at >= start && at < start + size);
    expect(written().filter((at) => !inside(at))).toEqual([]);
    expect(inside(page)).toBe(true);
    // No table reaches into the page of _DSM.
    expect(written()).not.toContain(page);
  });

  it('has nothing to tell without slots; the port answers all the same', () => {
    const { firmware, hardware, tables, written } = make('pc,nvdimm=on', '16M,maxmem=1G');
    firmware.run();
    expect([tables(), written(), hardware.reserved, hardware.ports.read(0xa18, 4)]).toEqual([[], [], [], 0]);
  });
});
