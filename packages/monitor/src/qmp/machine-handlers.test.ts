import { embeddedDeviceProperties } from '@vpmem/embedded-machine';
import { ForeignError, type PciFunctionInfo, type PmemInfo } from '@vpmem/machine';
import { BackendError } from '@vpmem/memory-backend';
import type { QmpHandlers } from '@vpmem/qmp';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { HmpShell } from '../hmp/hmp-shell.ts';
import { foreignCommands, machineHandlers } from './machine-handlers.ts';

let machine: FakeMachine;
let handlers: QmpHandlers;

beforeEach(() => {
  machine = new FakeMachine();
  handlers = machineHandlers(machine, new HmpShell({ machine, program: 'p', version: '1', chardevs: () => [] }, (error) => { throw error as Error; }));
});

const addObject = async (id = 'mem2'): Promise<unknown> => handlers['object-add']({ 'qom-type': 'memory-backend-file', id, share: true, 'mem-path': 'p', size: 4 * 2 ** 30 });

describe('objects and devices', () => {
  it('come, are told of, and go', async () => {
    expect(await addObject()).toEqual({});
    expect(await handlers.device_add({ driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2' })).toEqual({});
    expect(await handlers['query-memory-devices']({})).toEqual([
      { type: 'virtio-pmem', data: { id: 'nv2', memaddr: 0x1_4000_0000n, size: 4 * 2 ** 30, memdev: '/objects/mem2' } },
    ]);
    expect(await handlers['query-memdev']({})).toEqual([
      { id: 'mem2', size: 4 * 2 ** 30, merge: false, dump: false, prealloc: false, share: true, reserve: true, 'host-nodes': [], policy: 'default' },
    ]);
    expect(await handlers['query-memory-size-summary']({})).toEqual({ 'base-memory': 2 ** 28, 'plugged-memory': 0 });
    expect(await handlers['qom-list']({ path: '/objects' })).toEqual([
      { name: 'type', type: 'string' },
      { name: 'mem2', type: 'child<memory-backend-file>' },
    ]);
    expect(await handlers['qom-get']({ path: '/objects/mem2', property: 'size' })).toBe(4 * 2 ** 30);
    expect(await handlers['qom-get']({ path: 'objects/', property: 'mem2' })).toBe('/objects/mem2');
    expect(await handlers.device_del({ id: 'nv2' })).toEqual({});
    expect(await handlers['query-memory-devices']({})).toEqual([]);
  });

  it("are given to a VM that is somebody else's", async () => {
    await addObject();
    machine.plug = { driver: 'vfio-user-pci', socket: { type: 'unix', path: '/s' } };
    expect(await handlers.device_add({ driver: 'virtio-pmem-pci', memdev: 'mem2' })).toEqual({ device: machine.plug });
  });

  it('go when the VM lets go, if that is asked for', async () => {
    await addObject();
    await handlers.device_add({ driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2' });
    await handlers.device_del({ id: 'nv2', wait: true });
    expect(machine.calls).toEqual(['deleteDevice nv2 true']);
  });
});

describe('errors', () => {
  it.each<[string, () => unknown, string, string]>([
    ['no such device', () => handlers.device_del({ id: 'x' }), 'DeviceNotFound', "Device 'x' not found"],
    ['no such memdev', () => handlers.device_add({ driver: 'virtio-pmem-pci', memdev: 'x' }), 'DeviceNotFound', "Device 'x' not found"],
    ['no such object', () => handlers['object-del']({ id: 'x' }), 'GenericError', "object 'x' not found"],
    ['a missing property', () => handlers['object-add']({ 'qom-type': 'memory-backend-file', id: 'x', size: 1 }), 'GenericError', "Parameter 'mem-path' is missing"],
    ['a size in text', () => handlers['object-add']({ 'qom-type': 'memory-backend-file', id: 'x', 'mem-path': 'p', size: '4G' }), 'GenericError', "Invalid parameter type for 'size', expected: integer"],
    ['no such path', () => handlers['qom-list']({ path: '/x' }), 'DeviceNotFound', "Device '/x' not found"],
    ['the end of two paths', async () => {
      await addObject('twice');
      await handlers.device_add({ driver: 'virtio-pmem-pci', id: 'twice', memdev: 'twice' });
      await handlers['qom-list']({ path: 'twice' });
    }, 'GenericError', "Path 'twice' is ambiguous"],
    ['the end of every path', () => handlers['qom-get']({ path: '', property: 'type' }), 'DeviceNotFound', "Device '' not found"],
    ['no such property', () => handlers['qom-get']({ path: '/objects', property: 'x' }), 'GenericError', "Property 'container.x' not found"],
    ['no such type', () => handlers['device-list-properties']({ typename: 'x' }), 'DeviceNotFound', "Device 'x' not found"],
    ['not a device type', () => handlers['device-list-properties']({ typename: 'memory-backend-file' }), 'GenericError', "Parameter 'typename' expects a non-abstract device type"],
  ])('%s', async (_, run, errorClass, message) => {
    await expect(run()).rejects.toMatchObject({ name: 'QmpError', errorClass, message: expect.stringContaining(message) as string });
  });

  it("the backend's and a VM's own", async () => {
    machine.addObject = () => Promise.reject(new BackendError('size-mismatch', 'size', 'too small'));
    await expect(addObject()).rejects.toMatchObject({ name: 'QmpError', errorClass: 'GenericError', message: 'too small' });
    machine.stop = () => Promise.reject(new ForeignError('DeviceNotActive', 'no'));
    await expect(handlers.stop({})).rejects.toMatchObject({ name: 'QmpError', errorClass: 'DeviceNotActive', message: 'no' });
  });

  it('of ours stay what they are', async () => {
    const error = new RangeError('oops');
    machine.stop = () => Promise.reject(error);
    await expect(handlers.stop({})).rejects.toBe(error);
  });
});

describe('queries', () => {
  it('query-status and query-name', async () => {
    expect(await handlers['query-status']({})).toEqual({ running: true, status: 'running' });
    machine.state = 'prelaunch';
    expect(await handlers['query-status']({})).toEqual({ running: false, status: 'prelaunch' });
    expect(await handlers['query-name']({})).toEqual({ name: 'fake' });
    machine.name = undefined;
    expect(await handlers['query-name']({})).toEqual({});
  });

  it('query-pci', async () => {
    const pmem: PciFunctionInfo = {
      slot: 0, function: 0, class: 0xff, vendorId: 0x1af4, deviceId: 0x105b, subsystemVendorId: 0x1af4, subsystemId: 0x1100, irqPin: 1, irq: 10, id: 'nv1',
      regions: [
        { bar: 2, address: 0xfe00_0000n, size: 16384, prefetch: true, is64: true },
        { bar: 4, address: undefined, size: 4096, prefetch: false, is64: false },
      ],
    };
    const port: PciFunctionInfo = {
      ...pmem, slot: 1, class: 0x0604, vendorId: 0x1b36, deviceId: 0xc, id: undefined, irqPin: 0, regions: [],
      bridge: { primary: 0, secondary: 1, subordinate: 1, memory: { base: 0xfe80_0000n, limit: 0xfe9f_ffffn }, functions: [pmem] },
    };
    machine.buses = [{ number: 0, functions: [port] }];
    // As QEMU 11.1 has it.
    expect(await handlers['query-pci']({})).toEqual([{
      bus: 0,
      devices: [{
        bus: 0, slot: 1, function: 0, class_info: { class: 0x604, desc: 'PCI bridge' }, id: { device: 12, vendor: 6966 }, irq_pin: 0, qdev_id: '', regions: [],
        pci_bridge: {
          bus: { number: 0, secondary: 1, subordinate: 1, io_range: { base: 1n, limit: 0n }, memory_range: { base: 0xfe80_0000n, limit: 0xfe9f_ffffn }, prefetchable_range: { base: 1n, limit: 0n } },
          devices: [{
            bus: 1, slot: 0, function: 0, class_info: { class: 255 }, id: { device: 4187, 'subsystem-vendor': 6900, vendor: 6900, subsystem: 4352 }, irq: 10, irq_pin: 1, qdev_id: 'nv1',
            regions: [
              { bar: 2, type: 'memory', address: 0xfe00_0000n, size: 16384, prefetch: true, mem_type_64: true },
              { bar: 4, type: 'memory', address: -1, size: 4096, prefetch: false, mem_type_64: false },
            ],
          }],
        },
      }],
    }]);
  });

  it('query-pmem leaves out what there is not', async () => {
    const info: PmemInfo = {
      type: 'virtio-pmem', id: 'nv1', path: '/p', memdev: '/objects/m', backingFile: undefined, volatile: undefined, size: 1, socket: undefined, connected: false, driver: 'none',
      flushes: { asked: 5, synced: 1, coalesced: 2, failed: 3, inFlight: 4 }, latency: undefined, lastError: undefined,
    };
    machine.pmemInfo = [info, { ...info, backingFile: 'f', volatile: 'why', socket: 's', latency: { p50: 1, p99: 2, max: 3, sum: 6, steps: [{ upTo: 2, count: 3 }] }, lastError: { text: 't', time: 9 } }];
    const common = { type: 'virtio-pmem', id: 'nv1', path: '/p', memdev: '/objects/m', size: 1, connected: false, driver: 'none', flushes: { asked: 5, synced: 1, coalesced: 2, failed: 3, 'in-flight': 4 } };
    expect(await handlers['query-pmem']({})).toStrictEqual([
      common,
      { ...common, 'backing-file': 'f', volatile: 'why', socket: 's', latency: { p50: 1, p99: 2, max: 3, sum: 6, steps: [{ 'up-to': 2, count: 3 }] }, 'last-error': { text: 't', time: 9 } },
    ]);
  });

  it('query-memory-devices tells where a module is', async () => {
    const dimm = { slot: 3, node: 1, hotplugged: true, hotpluggable: true };
    machine.memoryDevices = () => Promise.resolve([{ type: 'nvdimm', id: undefined, memdev: '/objects/m', memaddr: 4096n, size: 1, dimm }]);
    expect(await handlers['query-memory-devices']({})).toEqual([{ type: 'nvdimm', data: { addr: 4096n, size: 1, memdev: '/objects/m', ...dimm } }]);
  });

  it('qom-list-types', async () => {
    const names = async (args: object): Promise<string[]> => (await handlers['qom-list-types'](args)).map(({ name }) => name);
    expect(await names({})).toEqual(['memory-backend-file', 'virtio-pmem-pci']);
    expect(await names({ implements: 'memory-backend' })).toEqual(['memory-backend-file']);
    expect(await names({ implements: 'device' })).toEqual(['virtio-pmem-pci']);
    expect(await names({ implements: 'zz' })).toEqual([]);
    expect(await handlers['qom-list-types']({ implements: 'memory-backend', abstract: true })).toEqual([
      { name: 'memory-backend-file', parent: 'memory-backend' },
      { name: 'memory-backend', abstract: true, parent: 'object' },
    ]);
    Object.assign(machine, { deviceTypes: embeddedDeviceProperties });
    expect(await handlers['qom-list-types']({ implements: 'device' })).toEqual([
      { name: 'virtio-pmem-pci', parent: 'virtio-pmem-pci-base' },
      { name: 'nvdimm', parent: 'pc-dimm' },
      { name: 'pcie-root-port', parent: 'pcie-root-port-base' },
    ]);
  });

  it('device-list-properties', async () => {
    expect(await handlers['device-list-properties']({ typename: 'virtio-pmem-pci' })).toEqual([
      { name: 'memdev', type: 'str', description: 'id of its memory backend' },
      { name: 'vectors', type: 'int64', description: 'MSI-X vectors; 0: INTx', 'default-value': 2 },
      { name: 'bus', type: 'str' },
    ]);
  });

  it('human-monitor-command has its errors in the text', async () => {
    expect(await handlers['human-monitor-command']({ 'command-line': 'info status' })).toBe('VM status: running\r\n');
    expect(await handlers['human-monitor-command']({ 'command-line': 'device_del x' })).toBe("Error: Device 'x' not found\r\n");
  });
});

describe("a VM's own monitor", () => {
  it('answers and refuses in its own words', async () => {
    expect(foreignCommands(machine)).toBeUndefined();
    machine.foreign = {
      commands: () => Promise.resolve(['query-block']),
      execute: (command) => (command === 'query-block' ? Promise.resolve([]) : Promise.reject(new ForeignError('KVMMissingCap', 'no'))),
      humanCommand: () => Promise.resolve(''),
    };
    const foreign = foreignCommands(machine)!;
    expect(await foreign.commands()).toEqual(['query-block']);
    expect(await foreign.execute('query-block', {})).toEqual([]);
    await expect(foreign.execute('x', {})).rejects.toMatchObject({ name: 'QmpError', errorClass: 'KVMMissingCap', message: 'no' });
  });
});
