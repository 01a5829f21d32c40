import type { PciFunctionInfo, PciWindow } from '@vpmem/machine';
import { describe, expect, it } from 'vitest';
import type { PlugBus } from './plug-bus.ts';
import { choosePlace, type Place, type PlugRequest } from './plug-place.ts';

const GIB = 2n ** 30n;
const window = (base: bigint, size: bigint): PciWindow => ({ base, limit: base + size - 1n });
const fn = (slot: number, id?: string, memory?: readonly [address: bigint | undefined, size: bigint]): PciFunctionInfo => ({
  ...{ slot, function: 0, class: 255, vendorId: 1, deviceId: 2, subsystemVendorId: 0, subsystemId: 0, irqPin: 0, irq: 0, id },
  regions: memory === undefined ? [] : [{ bar: 2, address: memory[0], size: Number(memory[1]), prefetch: true, is64: true }],
});
const bus = (name: string, kind: PlugBus['kind'], windows: PciWindow[] | undefined, functions: PciFunctionInfo[] = [], hotplug = true): PlugBus => ({
  ...{ name, kind, hotplug, firstSlot: 0, functions, occupants: functions, windows, given: windows },
});
const port = (name: string, windows: PciWindow[] | undefined, functions: PciFunctionInfo[] = [], hotplug = true): PlugBus => bus(name, 'port', windows, functions, hotplug);
const pc = (windows: PciWindow[], functions: PciFunctionInfo[], ...more: PlugBus[]): PlugBus[] => [bus('pci.0', 'root', windows, functions), ...more];
const q35 = (...ports: PlugBus[]): PlugBus[] => [bus('pcie.0', 'root', undefined, [], false), ...ports];
const bridge = (name: string, windows: PciWindow[]): PlugBus => bus(name, 'bridge', windows);

const request = (size: bigint, given: Partial<PlugRequest> = {}): PlugRequest => ({ id: 'nv1', size: Number(size), bus: undefined, addr: undefined, ...given });
const intel = { addressBits: 46, amd: false };
const onPc = (buses: PlugBus[], wanted: PlugRequest): string => choosePlace({ family: 'pc', buses, ...intel }, wanted).bus;
const onQ35 = (buses: PlugBus[], wanted: PlugRequest): string => choosePlace({ family: 'q35', buses, ...intel }, wanted).bus;
const refusal = (code: string, message: RegExp): Error => expect.objectContaining({ name: 'MachineError', code, message: expect.stringMatching(message) as string }) as Error;

describe('a place on a pc', () => {
  it('is the main bus while that has room', () => {
    expect(onPc(pc([window(4n * GIB, 2n * GIB)], [fn(0)]), request(GIB))).toBe('pci.0');
  });

  it('is aligned to the memory, and beside what is there', () => {
    const there = (address: bigint): PlugBus[] => pc([window(4n * GIB, 4n * GIB)], [fn(3, 'a', [address, GIB])]);
    expect(onPc(there(6n * GIB), request(2n * GIB))).toBe('pci.0');
    expect(() => onPc(pc([window(5n * GIB, 3n * GIB)], [fn(3, 'a', [6n * GIB, GIB])]), request(2n * GIB))).toThrow(refusal('bus-full', /no 2G of address space free in one aligned piece \(of 3G\).*pci-bridge/));
  });

  it('counts what the guest has not placed yet', () => {
    const waiting = fn(3, 'a', [undefined, 2n * GIB]);
    expect(onPc(pc([window(4n * GIB, 4n * GIB)], [waiting]), request(2n * GIB))).toBe('pci.0');
    expect(() => onPc(pc([window(4n * GIB, 2n * GIB)], [waiting]), request(GIB))).toThrow(refusal('bus-full', /no 1G/));
    // What has no place anyway takes none.
    expect(onPc(pc([window(4n * GIB, GIB)], [waiting]), request(GIB))).toBe('pci.0');
  });

  it('is a bridge where only that has room, unless a slot of the main bus was asked for', () => {
    const buses = pc([window(4n * GIB, GIB)], [fn(0)], bridge('small', [window(64n * GIB, 2n * GIB)]), bridge('big', [window(128n * GIB, 32n * GIB)]));
    expect(onPc(buses, request(4n * GIB))).toBe('big');
    expect(onPc(buses, request(2n * GIB))).toBe('small');
    expect(() => onPc(buses, request(4n * GIB, { addr: '5' }))).toThrow(refusal('bus-full', /'pci\.0' has no 4G/));
  });

  it('is no slot that is taken, and not the 33rd', () => {
    const room = [window(4n * GIB, 4n * GIB)];
    expect(onPc(pc(room, [fn(0)]), request(GIB, { addr: '0x1f.0' }))).toBe('pci.0');
    expect(() => onPc(pc(room, [fn(0x1f, 'nic')]), request(GIB, { bus: 'pci.0', addr: '1f' }))).toThrow(refusal('bus-slot', /slot 31 of bus 'pci\.0' is taken \('nic'\)/));
    expect(() => onPc(pc(room, Array.from({ length: 32 }, (_, i) => fn(i))), request(GIB))).toThrow(refusal('bus-full', /no free slot/));
  });

  it('is function 0', () => {
    expect(() => onPc(pc([], []), request(GIB, { addr: '5.1' }))).toThrow(refusal('bus-slot', /function 0 only; write addr=5$/));
  });

  it('is QEMU\'s to judge on a bus that only QEMU knows', () => {
    expect(onPc(pc([], []), request(GIB, { bus: 'pci.7' }))).toBe('pci.7');
  });
});

describe('a place on a q35', () => {
  const room = (size: bigint): PciWindow[] => [window(64n * GIB, size)];

  it('is the free root port with the least room that will do', () => {
    expect(onQ35(q35(port('a', room(32n * GIB)), port('b', room(4n * GIB)), port('c', room(GIB))), request(4n * GIB))).toBe('b');
    expect(onQ35(q35(port('a', room(4n * GIB), [fn(0, 'x')]), port('b', room(4n * GIB), [], false), port('c', room(4n * GIB))), request(4n * GIB))).toBe('c');
  });

  it('is the next power of two', () => {
    expect(() => onQ35(q35(port('a', room(3n * GIB))), request(3n * GIB))).toThrow(refusal('bus-full', /no 4G.*pref64-reserve=4G for each of its root ports \(1\), or with vpmem qemu --root-ports N,pref64-reserve=4G/));
  });

  it('is taken on trust before firmware has run', () => {
    expect(onQ35(q35(port('a', undefined)), request(64n * GIB))).toBe('a');
  });

  it('that there is none of is told with what is in the way of each', () => {
    const buses = q35(port('a', room(4n * GIB), [fn(0, 'x')]), port('b', room(GIB)), port('c', undefined, [], false));
    expect(() => onQ35(buses, request(4n * GIB))).toThrow(
      refusal('bus-full', /^device 'nv1': a q35 takes devices.*only behind root ports.*'a' has a device already \('x'\); .*'b' has no 4G.*'c' takes no devices.*--root-ports/),
    );
    expect(() => onQ35(q35(), request(GIB))).toThrow(refusal('bus-full', /root ports, one each; start the VM with vpmem qemu --root-ports/));
  });

  it('that was asked for and will not do is told with one that will', () => {
    const buses = q35(port('a', room(4n * GIB), [fn(0, 'x')]), port('b', room(4n * GIB)));
    expect(() => onQ35(buses, request(GIB, { bus: 'pcie.0' }))).toThrow(refusal('bus-no-hotplug', /'pcie\.0' takes no devices while the VM runs; bus=b has a place/));
    expect(() => onQ35(buses, request(GIB, { bus: 'a' }))).toThrow(refusal('bus-slot', /'a' has a device already \('x'\); bus=b/));
    expect(() => onQ35(buses, request(GIB, { bus: 'b', addr: '1' }))).toThrow(refusal('bus-slot', /slot 0 only, not 1; bus=b/));
    expect(onQ35(buses, request(GIB, { bus: 'b', addr: '00.0' }))).toBe('b');
  });
});

describe('a place among what is there', () => {
  const room = [window(64n * GIB, 64n * GIB)];
  const place = (on: PlugBus, given: Partial<PlugRequest> = {}): Place => choosePlace({ family: 'pc', buses: [on], ...intel }, request(GIB, given));

  it('is no slot that has another function only, which QEMU itself would choose and refuse', () => {
    const lone = { ...fn(1, 'lone'), function: 3 };
    expect(place(bus('pci.0', 'root', room, [fn(0), lone, fn(2)]))).toEqual({ bus: 'pci.0', addr: '3' });
    expect(place(bus('pci.0', 'root', room, [fn(0), { ...fn(0), function: 1 }, fn(2)]))).toEqual({ bus: 'pci.0' });
    expect(() => place(bus('pci.0', 'root', room, [lone]), { bus: 'pci.0', addr: '1' })).toThrow(refusal('bus-slot', /slot 1 of bus 'pci\.0' is taken \('lone'\)/));
    expect(place(bus('pci.0', 'root', room, [lone]), { addr: '1', multifunction: true })).toEqual({ bus: 'pci.0' });
    expect(() => place(bus('pci.0', 'root', room, [fn(1)]), { bus: 'pci.0', addr: '1', multifunction: true })).toThrow(refusal('bus-slot', /slot 1/));
  });

  it('is not slot 0 where the bridge itself sees to its slots', () => {
    const shpc = { ...bridge('b', room), firstSlot: 1 };
    expect(place(shpc)).toEqual({ bus: 'b', addr: '1' });
    expect(() => place(shpc, { bus: 'b', addr: '0' })).toThrow(refusal('bus-slot', /from slot 1 on/));
  });

  it('is never a bus that takes only bridges, unless it is asked for', () => {
    expect(() => place(bus('up', 'other', room))).toThrow(refusal('bus-full', /no bus has a place/));
    expect(place(bus('up', 'other', room), { bus: 'up' })).toEqual({ bus: 'up' });
  });

  it('is taken where the device is that firmware has not seen yet', () => {
    const taken = { ...port('a', undefined), occupants: [{ slot: 0, function: 0, id: 'rng' }] };
    const buses = [taken, port('b', undefined)];
    expect(onQ35(buses, request(GIB))).toBe('b');
    expect(() => onQ35([taken], request(GIB))).toThrow(refusal('bus-full', /'a' has a device already \('rng'\)/));
    expect(() => onQ35(buses, request(GIB, { bus: 'b', addr: '1' }))).toThrow(refusal('bus-slot', /bus=b has a place/));
  });
});

describe('memory without a place', () => {
  const MIB = 2n ** 20n;
  const kept = window(0xfe_0000_0000n, GIB);
  const onAmd = (buses: PlugBus[], size: bigint, addressBits = 40): Place => choosePlace({ family: 'q35', buses, addressBits, amd: true }, request(size));

  it('because an AMD processor keeps what there is, is told so, with the reserve that would do', () => {
    const ports = (count: number): PlugBus[] => Array.from({ length: count }, (_, i) => ({ ...port(`rp${i}`, []), given: [kept, window(0xfe80_0000n, 2n * MIB)] }));
    expect(() => onAmd(q35(...ports(2)), 64n * MIB)).toThrow(refusal('bus-full', /'rp0' \(1G\) lies in the last 12G below 1T, of which Linux uses nothing on an AMD.*pref64-reserve=8G for each of its root ports \(2\)/));
    expect(() => onAmd(q35(...ports(1)), 64n * MIB)).toThrow(/pref64-reserve=16G for each of its root ports \(1\)/);
    expect(() => onAmd(q35(...ports(1)), 32n * GIB)).toThrow(/no 32G of address space.*pref64-reserve=32G for each/);
  });

  it('because firmware put it beyond the end of the address space, is told so', () => {
    const beyond = { ...port('rp0', []), given: [window(2n ** 40n, 16n * GIB)] };
    const ask = (): Place => choosePlace({ family: 'q35', buses: q35(beyond), addressBits: 40, amd: false }, request(GIB, { others: [300 * Number(GIB)] }));
    expect(ask).toThrow(refusal('bus-full', /'rp0' \(16G\) lies beyond what the 40 address bits of the guest reach.*pref64-reserve=512G for each/));
  });

  it.each([
    [1024n * GIB, 40, false, /^device 'nv1': its 1T of memory has no place.*phys-bits too low \(40\), they reach 1T; .*phys-bits=44,/],
    [1024n * GIB, 41, true, undefined],
    [512n * GIB, 40, false, undefined],
    [512n * GIB, 40, true, /phys-bits too low \(40\).*AMD processor keeps the last 12G.*phys-bits=43,/],
    [256n * GIB, 40, true, undefined],
    [64n * GIB, 36, false, /phys-bits too low \(36\), they reach 64G.*phys-bits=40,/],
    [32n * GIB, 36, false, undefined],
  ] as const)('of %d bytes at %i bits (AMD: %s)', (size, addressBits, amd, message) => {
    const ask = (): Place => choosePlace({ family: 'q35', buses: q35(port('a', undefined)), addressBits, amd }, request(size));
    if (message === undefined) expect(ask()).toEqual({ bus: 'a' });
    else expect(ask).toThrow(refusal('bus-full', message));
  });

  it('beside other devices counts before firmware has run, and afterwards what windows are left', () => {
    const others = [Number(512n * GIB)];
    const ask = (windows: PciWindow[] | undefined): Place => choosePlace({ family: 'q35', buses: q35(port('a', windows)), addressBits: 40, amd: false }, request(512n * GIB, { others }));
    expect(() => ask(undefined)).toThrow(refusal('bus-full', /with that of other devices 1T, has no place.*too low \(40\)/));
    expect(ask([window(512n * GIB, 512n * GIB)])).toEqual({ bus: 'a' });
  });
});
