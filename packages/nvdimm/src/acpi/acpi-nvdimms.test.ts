import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AcpiNamespace, type AcpiPlatform } from './acpi-namespace.ts';
import { findNvdimms, rootDevices } from './acpi-nvdimms.ts';
import { DSM_PAGE_SIZE } from '../dsm-layout.ts';
import { DsmPort } from '../dsm-port.ts';
import { interleaveSetCookie } from '../labels/interleave-set.ts';
import { NamespaceLabels } from '../labels/namespace-labels.ts';
import { Nvdimm, type NvdimmOptions } from '../nvdimm-device.ts';
import { NvdimmRoot } from './nvdimm-root.ts';
import { makeSsdt, setSsdtPage } from './ssdt.ts';

const MIB = 2 ** 20;
const [LABELS, SIZE] = [128 * 1024, 4 * MIB + 128 * 1024];
const PAGE = 0x7f_f000;
const UUID = '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01';

let folder: string;
let fd: number;
let root: NvdimmRoot;
let notifications: [path: string, value: number][];
/** Called before each call through the port. */
let beforeCall: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-acpi-'));
  fd = openSync(join(folder, 'store'), 'w+');
  ftruncateSync(fd, 40 * SIZE);
  root = new NvdimmRoot({ persistence: 'cpu' });
  notifications = [];
  beforeCall = () => undefined;
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

function plug(slot: number, more: Partial<NvdimmOptions> = {}): Nvdimm {
  const backend = { id: `mem${slot}`, size: SIZE, fd, offset: slot * SIZE, read: () => 0, write: () => undefined };
  const device = new Nvdimm(backend, { id: `nv${slot}`, slot, address: 0x1_0000_0000 + slot * 8 * MIB, align: 4096, labelSize: LABELS, ...more });
  root.plug(device);
  return device;
}

/** An operating system on a machine of one page of RAM and the port. */
function boot(ssdt = makeSsdt({ slots: 40, page: PAGE, hotplugEvent: true })): AcpiNamespace {
  const ram = new Uint8Array(DSM_PAGE_SIZE);
  const inside = (address: number, length: number): boolean => address >= PAGE && address + length <= PAGE + ram.length;
  const port = new DsmPort(root, {
    read: (address, into) => {
      if (inside(address, into.length)) into.set(ram.subarray(address - PAGE, address - PAGE + into.length));
      return inside(address, into.length);
    },
    write: (address, bytes) => {
      if (inside(address, bytes.length)) ram.set(bytes, address - PAGE);
      return inside(address, bytes.length);
    },
  });
  const platform: AcpiPlatform = {
    readMemory: (address, length) => {
      expect(inside(address, length)).toBe(true);
      return ram.slice(address - PAGE, address - PAGE + length);
    },
    writeMemory: (address, bytes) => {
      expect(inside(address, bytes.length)).toBe(true);
      ram.set(bytes, address - PAGE);
    },
    readPort: () => port.read(),
    writePort: (address, value) => {
      expect(address).toBe(0xa18);
      beforeCall();
      expect(port.write(0, 4, value)).toBe('answered');
    },
    notify: (path, value) => notifications.push([path, value]),
  };
  return new AcpiNamespace([ssdt], platform);
}

describe('an operating system with nothing but tables', () => {
  it('finds each NVDIMM, where it is and what it is', () => {
    plug(2, { node: 1 });
    plug(0, { labelSize: 0, unarmed: true });
    const namespace = boot();
    expect(rootDevices(namespace)).toEqual(['\\_SB_.NVDR']);
    expect(namespace.devices.slice(0, 3)).toEqual(['\\_SB_.NVDR', '\\_SB_.NVDR.NV00', '\\_SB_.NVDR.NV01']);
    const found = findNvdimms(namespace);
    expect(found).toMatchObject([
      { handle: 3, address: 0x1_0100_0000, size: 4 * MIB, node: 1, armed: true, identity: { serialNumber: 0x12_3458, vendorId: 0x8086 } },
      { handle: 1, address: 0x1_0000_0000, size: 4 * MIB + LABELS, node: 0, armed: false, identity: { serialNumber: 0x12_3456 } },
    ]);
    expect(found.map((each) => each.labels()?.size)).toEqual([LABELS, undefined]);
  });

  it('makes a namespace with labels, which are in the backend', () => {
    const device = plug(1);
    const [found] = findNvdimms(boot());
    const area = found?.labels();
    const labels = NamespaceLabels.initialise(area!);
    labels.create({ uuid: UUID, name: 'log', size: 2 * MIB, capacity: found!.size, setCookie: interleaveSetCookie(found!.identity, '1.2') });
    expect(NamespaceLabels.open(device.labels!)?.labels).toMatchObject([{ uuid: UUID, name: 'log', dpa: 0, rawSize: 2 * MIB, setCookie: interleaveSetCookie({ serialNumber: 0x12_3457, vendorId: 0x8086 }, '1.2') }]);
    expect(NamespaceLabels.open(findNvdimms(boot())[0]!.labels()!)?.labels).toHaveLength(1);
  });

  it('moves a whole label area in pieces, and tells of what is refused', () => {
    plug(0);
    plug(1, { readonly: true, unarmed: true });
    const [area, readOnly] = findNvdimms(boot()).map((each) => each.labels()!);
    const bytes = Uint8Array.from({ length: LABELS }, (_, i) => i % 253);
    area!.write(0, bytes);
    expect(Buffer.compare(area!.read(0, LABELS), bytes)).toBe(0);
    expect([...area!.read(LABELS - 3, 3)]).toEqual([...bytes.subarray(-3)]);
    expect(area!.read(0, 0)).toEqual(new Uint8Array(0));
    expect(() => area!.read(LABELS - 3, 4)).toThrow('_LSR answered status 3');
    expect(() => area!.write(LABELS, Uint8Array.of(1))).toThrow('_LSW answered status 3');
    expect(() => readOnly!.write(0, Uint8Array.of(1))).toThrow('_LSW answered status 1');
  });

  it('is told of one that is plugged in, and finds it then', () => {
    plug(0);
    const namespace = boot();
    expect(findNvdimms(namespace)).toHaveLength(1);
    plug(1);
    namespace.evaluate('\\_GPE._E04');
    expect(notifications).toEqual([['\\_SB_.NVDR', 0x80]]);
    expect(findNvdimms(namespace).map(({ handle }) => handle)).toEqual([1, 2]);
  });

  it('reads a FIT of several pages, and begins again when it changes meanwhile', () => {
    for (let slot = 0; slot < 30; slot++) plug(slot);
    const namespace = boot();
    let calls = 0;
    beforeCall = () => {
      if (++calls === 2) plug(35);
    };
    expect(namespace.evaluate('\\_SB_.NVDR._FIT')).toEqual(root.fit);
    expect(root.fit.length).toBe(31 * 184 + 16);
    // The first page, the change, both pages again, and the end.
    expect(calls).toBe(5);
  });

  it('calls _DSM as drivers do, and gets the answer without its length', () => {
    plug(0);
    const namespace = boot();
    const device = Uint8Array.from(Buffer.from('30ac0943110de4119191' + '0800200c9a66', 'hex'));
    const dsm = (path: string, uuid: Uint8Array, revision: number, fn: number, ...args: Uint8Array[]) => namespace.evaluate(`\\_SB_.NVDR${path}._DSM`, uuid, revision, fn, args);
    expect(dsm('.NV00', device, 1, 0)).toEqual(Uint8Array.of(0x71, 0, 0, 0));
    expect(dsm('.NV01', device, 1, 0)).toEqual(new Uint8Array(4));
    expect(dsm('.NV00', device, 2, 4)).toEqual(Uint8Array.of(1, 0, 0, 0));
    expect(dsm('.NV01', device, 1, 4)).toEqual(Uint8Array.of(2, 0, 0, 0));
    expect(dsm('.NV00', device, 1, 4)).toEqual(new Uint8Array(Uint32Array.of(0, LABELS, 4076).buffer));
    expect(dsm('.NV00', device, 1, 5, new Uint8Array(Uint32Array.of(0, 2).buffer))).toEqual(new Uint8Array(6));
    // Another UUID is not passed on at all.
    beforeCall = () => expect.unreachable();
    expect(dsm('', device, 1, 0)).toEqual(Uint8Array.of(0));
    expect(dsm('', device, 1, 4)).toEqual(Uint8Array.of(1));
  });

  it('finds nothing where there is no page, and what the NFIT says where there is no _FIT', () => {
    plug(0);
    expect(findNvdimms(boot(makeSsdt({ slots: 1 })))).toEqual([]);
    const still = boot(makeSsdt({ slots: 1, staticFit: true }));
    expect(findNvdimms(still)).toEqual([]);
    const [found] = findNvdimms(still, root.nfit());
    expect(found).toMatchObject({ handle: 1, size: 4 * MIB });
    expect(found?.labels()).toBeUndefined();
  });

  it('finds the page wherever it was put afterwards', () => {
    plug(0);
    const ssdt = makeSsdt({ slots: 1 });
    setSsdtPage(ssdt, PAGE);
    expect(ssdt).toEqual(makeSsdt({ slots: 1, page: PAGE }));
    expect(findNvdimms(boot(ssdt))).toHaveLength(1);
  });
});
