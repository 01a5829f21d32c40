import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { bufferBacking } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import { COMMAND_MEMORY, MSIX_ENABLE, PciHeader } from '@vpmem/pci';
import { RecordingHost } from '@vpmem/pci/testing';
import type { ActiveDriver, ActiveQueue, ConfigSpace, RegionLocator, VirtioDevice } from '@vpmem/virtio';
import { DriverQueue } from '@vpmem/virtio/driver';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtioPciCommonCfg } from './common-config.ts';
import { VirtioPciCap, VirtioPciCap64, VirtioPciCfgCap, VirtioPciNotifyCap } from './virtio-pci-capabilities.ts';
import { DRIVER_ERROR_CHANNEL, VirtioPciFunction } from './virtio-pci-function.ts';

const REGION_SIZE = 5 * 2 ** 20;

/** Gives every buffer back at once; its configuration is the address of its region. */
class EchoDevice implements VirtioDevice {
  readonly deviceId = 27;
  readonly features = 1n;
  readonly queueSizes = [16, 8];
  readonly region = new DataView(new ArrayBuffer(REGION_SIZE));
  readonly sharedMemory = [
    {
      id: 0,
      size: REGION_SIZE,
      fd: 99,
      offset: 4096,
      read: (offset: number): number => this.region.getUint32(offset, true),
      write: (offset: number, _: number, value: number): void => this.region.setUint32(offset, value, true),
    },
  ];
  #queue: ActiveQueue | undefined;

  config(_: bigint, locate: RegionLocator): ConfigSpace {
    return { size: 8, read: (offset) => (offset === 0 ? Number((locate(0) ?? 0n) & 0xffff_ffffn) : 0), write: () => false };
  }
  activate(driver: ActiveDriver): void {
    this.#queue = driver.queues[0];
  }
  notified(): void {
    this.#queue?.drain(({ head }) => this.#queue?.complete(head, 0));
    this.#queue?.notify();
  }
  deactivate(done: () => void): void {
    done();
  }
}

let host: RecordingHost;
let device: EchoDevice;
let pci: VirtioPciFunction;
function setUp(vectors?: number): void {
  host = new RecordingHost();
  host.memory.add({ start: 0, size: 0x1_0000, writable: true, backing: bufferBacking(new ArrayBuffer(0x1_0000)) });
  device = new EchoDevice();
  pci = new VirtioPciFunction(device, vectors === undefined ? {} : { vectors });
  pci.attach(host);
}
beforeEach(() => setUp());

it('has the class that it was given, and belongs to none otherwise; a device without configuration and memory has none of either', () => {
  const classOf = (): number => pci.readConfig(PciHeader.fields.prog_if.offset, 1) + 256 * pci.readConfig(PciHeader.fields.prog_if.offset + 1, 2);
  expect(classOf()).toBe(0x00ff00);
  pci = new VirtioPciFunction({ deviceId: 4, features: 0n, queueSizes: [8], activate: () => undefined, notified: () => undefined, deactivate: (done) => done() }, { classCode: 0x010000 });
  expect([classOf(), pci.bars[2], capabilities().filter(({ id, bytes }) => id === 9 && [4, 8].includes(bytes[3]!))]).toEqual([0x010000, undefined, []]);
});

/** The capability list as hex, by offset. */
function capabilities(): { at: number; id: number; bytes: Buffer }[] {
  const found = [];
  for (let at = pci.readConfig(PciHeader.fields.capabilities_pointer.offset, 1); at !== 0; at = pci.readConfig(at + 1, 1)) {
    const id = pci.readConfig(at, 1);
    const length = id === 0x09 ? pci.readConfig(at + 2, 1) : 12;
    found.push({ at, id, bytes: Buffer.from(Array.from({ length }, (_, i) => pci.readConfig(at + i, 1))) });
  }
  return found;
}
const virtioCap = (type: number): { at: number; bytes: Buffer } => capabilities().find(({ id, bytes }) => id === 9 && bytes[3] === type)!;

const field = VirtioPciCommonCfg.fields;
type Register = keyof typeof field;
const widthOf = (register: Register): AccessWidth => (field[register].size === 8 ? 4 : (field[register].size as AccessWidth));
const get = (register: Register): number => pci.bars[0]!.read(field[register].offset, widthOf(register));
const set = (register: Register, value: number): void => pci.bars[0]!.write(field[register].offset, widthOf(register), value);
const isr = (): number => pci.bars[0]!.read(0x1000, 1);
const notify = (queue: number): void => pci.bars[0]!.write(0x3000 + 4 * queue, 2, queue);

/** VIRTIO 1.4 §3.1.1, through the registers. */
function bringUp(features: [number, number] = [0, 1], base = 0): DriverQueue {
  for (const status of [0, 1, 3]) set('device_status', status);
  features.forEach((bits, select) => {
    set('driver_feature_select', select);
    set('driver_feature', bits);
  });
  set('device_status', 0x0b);
  expect(get('device_status')).toBe(0x0b);
  set('queue_select', 0);
  const placement = DriverQueue.place(base + 0x1000, 16);
  const queue = new DriverQueue(host.memory, placement, { size: 16 });
  set('queue_desc', placement.desc);
  set('queue_driver', placement.driver);
  set('queue_device', placement.device);
  set('queue_enable', 1);
  set('device_status', 0x0f);
  return queue;
}
function enableMsix(): void {
  for (const vector of [0, 1]) {
    pci.bars[1]!.write(16 * vector, 4, 0xfee0_0000 + vector);
    pci.bars[1]!.write(16 * vector + 12, 4, 0);
  }
  const { at } = capabilities().find(({ id }) => id === 0x11)!;
  pci.writeConfig(at + 2, 2, MSIX_ENABLE);
}
function useOneBuffer(queue: DriverQueue, base = 0): void {
  queue.add([{ address: base, length: 4 }]);
  queue.publish();
  notify(0);
  expect(queue.takeUsed()).toBeDefined();
}

describe('identity and layout', () => {
  it('interrupts by MSI-X with no pin, or without vectors by INTA', () => {
    expect([pci.readConfig(0x3d, 1), pci.msixVectors, pci.intx, pci.bars[1]?.size]).toEqual([0, 2, false, 4096]);
    setUp(0);
    expect([pci.readConfig(0x3d, 1), pci.msixVectors, pci.intx, pci.bars[1]]).toEqual([1, 0, true, undefined]);
    expect(capabilities().some(({ id }) => id === 0x11)).toBe(false);
  });

  it('structures have the sizes and offsets of the specification', () => {
    expect([VirtioPciCap.size, VirtioPciCap64.size, VirtioPciNotifyCap.size, VirtioPciCfgCap.size, VirtioPciCommonCfg.size]).toEqual([16, 24, 20, 20, 64]);
    expect(Object.values(field).map(({ offset }) => offset)).toEqual([0, 4, 8, 12, 16, 18, 20, 21, 22, 24, 26, 28, 30, 32, 40, 48, 56, 58, 60, 62]);
    expect([VirtioPciCap.fields.offset.offset, VirtioPciCap.fields.length.offset, VirtioPciCap64.fields.offset_hi.offset, VirtioPciCap64.fields.length_hi.offset]).toEqual([8, 12, 16, 20]);
  });

  it('PCAP-13 PCOM-02 PNTF-01 PISR-01 PDEV-01 PACC-01 has every structure, as the bytes of the specification', () => {
    const hex = (type: number): string => Buffer.concat([virtioCap(type).bytes.subarray(0, 1), Buffer.of(0), virtioCap(type).bytes.subarray(2)]).toString('hex');
    expect(hex(1)).toBe('09001001000000000000000040000000');
    expect(hex(2)).toBe('0900140200000000003000000800000004000000');
    expect(hex(3)).toBe('09001003000000000010000001000000');
    expect(hex(4)).toBe('09001004000000000020000008000000');
    expect(hex(5)).toBe('0900140500000000000000000000000000000000');
    expect(hex(8)).toBe('090018080200000000000000000050000000000000000000');
  });

  it('PSHM-01 a region above 4 GiB has its length in both halves', () => {
    device = new EchoDevice();
    device.sharedMemory[0] = { ...device.sharedMemory[0]!, size: 5 * 2 ** 32 + 0x20_0000 };
    pci = new VirtioPciFunction(device);
    expect(virtioCap(8).bytes.subarray(8).toString('hex')).toBe('00000000000020000000000005000000');
    expect(pci.bars[2]).toMatchObject({ size: 2 ** 35, is64: true, prefetchable: true });
  });

  it('rounds the region\'s BAR up; only the region itself can be mapped, the rest reads 0', () => {
    const bar = pci.bars[2]!;
    expect([bar.size, bar.areas]).toEqual([8 * 2 ** 20, [{ offset: 0, size: REGION_SIZE, fd: 99, fileOffset: 4096 }]]);
    bar.write(REGION_SIZE - 4, 4, 0xcafe);
    bar.write(REGION_SIZE, 4, 0xcafe);
    expect([bar.read(REGION_SIZE - 4, 4), bar.read(REGION_SIZE, 4), bar.read(REGION_SIZE - 2, 4)]).toEqual([0xcafe, 0, 0]);
  });
});

describe('common configuration', () => {
  it('PCOM-03 FEAT-12 shows the offered bits in windows of 32, and nothing beyond', () => {
    const windows = [0, 1, 2, 3, 4, 0xffff_ffff].map((select) => {
      set('device_feature_select', select);
      return get('device_feature');
    });
    expect(windows).toEqual([0x3000_0001, 1, 0, 0, 0, 0]);
  });

  it('does not offer what it was told not to', () => {
    pci = new VirtioPciFunction(device, { indirectDescriptors: false, eventIndex: false });
    expect(get('device_feature')).toBe(1);
  });

  it('PCOM-D1 PCOM-18 takes a smaller power of two as queue size, and nothing else', () => {
    for (const [written, expected] of [[4, 4], [5, 4], [0, 4], [32, 4], [16, 16]] as const) {
      set('queue_size', written);
      expect(get('queue_size')).toBe(expected);
    }
  });

  it('AMB-20 writes to a queue that does not exist change nothing', () => {
    set('queue_select', 9);
    for (const register of ['queue_size', 'queue_enable', 'queue_desc', 'queue_driver', 'queue_device', 'queue_msix_vector'] as const) set(register, 1);
    expect([get('queue_enable'), get('queue_desc'), get('queue_msix_vector')]).toEqual([0, 0, 0xffff]);
  });

});

describe('interrupts', () => {
  it('PISR-02 STAT-08 AMB-16 a broken ring is announced with ISR bit 1, in either mode', () => {
    setUp(0);
    const errors: unknown[] = [];
    const listener = (message: unknown): number => errors.push(message);
    subscribe(DRIVER_ERROR_CHANNEL, listener);
    const queue = bringUp();
    queue.offerHead(77);
    queue.publish();
    notify(0);
    unsubscribe(DRIVER_ERROR_CHANNEL, listener);
    expect([get('device_status'), isr(), host.intxLevels]).toEqual([0x4f, 2, [true, false]]);
    expect(errors).toMatchObject([{ device, error: { code: 'head-out-of-range' } }]);
  });

  it('a notification of a queue that is not there, or between queues, is ignored', () => {
    bringUp();
    notify(1);
    notify(2);
    pci.bars[0]!.write(0x3002, 2, 0);
    pci.bars[0]!.write(0x3fff, 1, 0);
    expect(get('device_status')).toBe(0x0f);
  });
});

describe('configuration access capability', () => {
  const data = (): number => virtioCap(5).at + 16;
  const aim = (bar: number, offset: number, length: number): void => {
    const { at } = virtioCap(5);
    pci.writeConfig(at + 4, 1, bar);
    pci.writeConfig(at + 8, 4, offset);
    pci.writeConfig(at + 12, 4, length);
  };

  it.each([
    ['a BAR that does not exist', 4, 0, 4],
    ['a length of 3', 0, 0, 3],
    ['an odd offset', 0, 1, 2],
    ['an offset beyond the BAR', 0, 0x4000, 4],
    ['an offset that wraps', 0, 0xffff_fffe, 2],
  ])('%s changes nothing', (_, bar, offset, length) => {
    aim(bar, offset, length);
    pci.writeConfig(data(), 4, 0xffff_ffff);
    pci.readConfig(data(), 4);
    expect([get('device_feature_select'), get('device_status')]).toEqual([0, 0]);
  });
});

describe('where the range is', () => {
  it('AMB-09 the configuration and its generation follow the BAR', () => {
    const config = (): number => pci.bars[0]!.read(0x2000, 4);
    const seen = [[get('config_generation'), config()]];
    for (const address of [0xe000_0000, 0xd000_0000]) {
      pci.writeConfig(4, 2, 0);
      pci.writeConfig(0x18, 4, address);
      pci.writeConfig(4, 2, COMMAND_MEMORY);
      seen.push([get('config_generation'), config()]);
    }
    expect(seen.map(([, address]) => address)).toEqual([0, 0xe000_0000, 0xd000_0000]);
    expect(new Set(seen.map(([generation]) => generation)).size).toBe(3);
  });
});

describe('reset and unplug', () => {
  it('the platform\'s reset gives back the power-on state of everything', () => {
    const snapshot = (): number[] => [
      ...Array.from({ length: 64 }, (_, i) => pci.readConfig(4 * i, 4)),
      ...Array.from({ length: 14 }, (_, i) => (i === 5 ? get('device_status') : pci.bars[0]!.read(4 * i, 4))),
    ];
    const before = snapshot();
    enableMsix();
    pci.writeConfig(4, 2, 7);
    pci.writeConfig(virtioCap(5).at + 8, 4, 0x55);
    bringUp();
    pci.reset();
    expect(snapshot()).toEqual(before);
  });

  it('an unplugged function touches nothing of its host', () => {
    bringUp();
    pci.detach();
    notify(0);
    expect([host.messages, host.intxLevels]).toEqual([[], []]);
    pci.attach(host);
    useOneBuffer(bringUp());
  });
});

describe('behind an IOMMU', () => {
  const IOVA = 0x4000_0000;

  /** A host that lets its functions reach a page of RAM at {@link IOVA}, and no other memory by no other address. */
  function useIommu(accessPlatform: boolean): void {
    host.memory.clear();
    host.memory.add({ start: IOVA, size: 0x1_0000, writable: true, backing: bufferBacking(new ArrayBuffer(0x1_0000)) });
    pci = new VirtioPciFunction(device, { accessPlatform });
    pci.attach(host);
  }

  it('RFB-16 RFB-03 with ACCESS_PLATFORM rings and buffers are where the platform says', () => {
    useIommu(true);
    set('device_feature_select', 1);
    expect(get('device_feature') & 2).toBe(2);
    useOneBuffer(bringUp([0, 3], IOVA), IOVA);
    expect(get('device_status')).toBe(0x0f);
  });

  it('RFB-D2 the device reaches what its host lets it reach, by no other address', () => {
    useIommu(true);
    for (const status of [0, 1, 3]) set('device_status', status);
    set('driver_feature_select', 1);
    set('driver_feature', 3);
    set('device_status', 0x0b);
    set('queue_desc', 0x1000);
    set('queue_enable', 1);
    expect([get('device_status'), get('queue_enable')]).toEqual([0x4b, 0]);
  });
});
