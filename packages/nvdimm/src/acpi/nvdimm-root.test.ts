import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkTable } from './acpi-table.ts';
import { fitStructures } from './nfit.ts';
import { Nvdimm, type NvdimmOptions } from '../nvdimm-device.ts';
import { LABEL_FAILED_CHANNEL, NvdimmRoot } from './nvdimm-root.ts';

const MIB = 2 ** 20;
/** Storage that is not there: every access to labels fails. */
const backend = { id: 'mem1', size: 4 * MIB, fd: -1, offset: 0, read: () => 0, write: () => undefined };
const device = (slot: number, more: Partial<NvdimmOptions> = {}): Nvdimm => new Nvdimm(backend, { id: `nv${slot}`, slot, address: 0x1_0000_0000 + slot * 4 * MIB, align: 4096, ...more });

let root: NvdimmRoot;
beforeEach(() => {
  root = new NvdimmRoot({ persistence: 'cpu' });
});

function readFit(offset: number): { status: number; bytes: Uint8Array } {
  const page = new Uint8Array(4096);
  const view = new DataView(page.buffer);
  [0x1_0000, 1, 1, offset].forEach((word, i) => view.setUint32(i * 4, word, true));
  root.answer(page);
  return { status: view.getUint32(4, true), bytes: page.subarray(8, view.getUint32(0, true)) };
}

describe('NvdimmRoot', () => {
  it('has no NFIT, and an empty FIT, while no device is there', () => {
    expect(root.nfit()).toBeUndefined();
    expect(readFit(0)).toEqual({ status: 0, bytes: new Uint8Array(0) });
  });

  it('tells of devices in the order they came, in table and FIT alike', () => {
    const [second, first] = [device(5), device(0, { unarmed: true })];
    root.plug(second);
    root.plug(first);
    const structures = fitStructures([second, first], 'cpu');
    expect(root.fit).toEqual(structures);
    expect(root.nfit()?.subarray(40)).toEqual(structures);
    expect(checkTable(root.nfit() ?? new Uint8Array(0), 'NFIT')).toBeUndefined();
    expect(readFit(0)).toEqual({ status: 0, bytes: structures });
    expect(root.devices).toEqual([second, first]);
  });

  it('refuses a slot that is taken, and is as it was', () => {
    root.plug(device(0));
    root.plug(device(1));
    const before = root.fit;
    readFit(0);
    expect(() => root.plug(device(1))).toThrow(expect.objectContaining({ code: 'slot-busy', property: 'slot', message: "slot 1 has device 'nv1' in it; slot=2 is free" }));
    expect(root.fit).toBe(before);
    expect(readFit(4).status).toBe(0);
    expect(root.devices.length).toBe(2);
  });

  it('gives out the lowest free slot until there is none', () => {
    for (let slot = 0; slot < 256; slot++) {
      expect(root.freeSlot).toBe(slot);
      root.plug(device(slot));
    }
    expect(root.freeSlot).toBeUndefined();
    expect(() => root.plug(device(7))).toThrow('no slot is free');
    expect(root.fit.length).toBe(256 * 184 + 16);
  });

  it('has whoever reads the FIT begin again when a device comes or goes', () => {
    const late = device(1);
    root.plug(device(0));
    readFit(0);
    root.plug(late);
    expect(readFit(184).status).toBe(0x100);
    expect(readFit(0).bytes.length).toBe(384);
    expect(root.unplug(late)).toBe(true);
    expect(readFit(184).status).toBe(0x100);
    expect(readFit(0).bytes.length).toBe(200);
    expect(root.unplug(late)).toBe(false);
    expect(root.freeSlot).toBe(1);
  });

  it('tells the host of labels whose storage fails', () => {
    const broken = device(2, { labelSize: 128 * 1024 });
    root.plug(broken);
    const told: unknown[] = [];
    const listen = (message: unknown): number => told.push(message);
    subscribe(LABEL_FAILED_CHANNEL, listen);
    try {
      const page = new Uint8Array(4096);
      [3, 1, 5, 0, 16].forEach((word, i) => new DataView(page.buffer).setUint32(i * 4, word, true));
      root.answer(page);
      expect([...page.subarray(0, 8)]).toEqual([8, 0, 0, 0, 4, 0, 0, 0]);
    } finally {
      unsubscribe(LABEL_FAILED_CHANNEL, listen);
    }
    expect(told).toEqual([{ id: 'nv2', device: broken, error: expect.any(Error) as Error }]);
  });
});
