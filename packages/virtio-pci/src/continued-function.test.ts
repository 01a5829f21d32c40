import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import { COMMAND_MEMORY, MSIX_ENABLE, PciHeader, type FunctionState } from '@vpmem/pci';
import { RecordingHost } from '@vpmem/pci/testing';
import { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FEATURES_OK, SUSPEND, VIRTIO_F_RING_PACKED, VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1 } from '@vpmem/virtio';
import { createDriverQueue, type DriverVirtqueue } from '@vpmem/virtio/driver';
import { EchoDevice, QUEUE_FORMATS } from '@vpmem/virtio/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtioPciCommonCfg } from './common-config.ts';
import { VirtioPciFunction } from './virtio-pci-function.ts';

const field = VirtioPciCommonCfg.fields;
const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;
const RUNNING = READY | DRIVER_OK;

/** A function in a process of its own: what it shares with the next is memory, and what is saved. */
class Process {
  readonly host: RecordingHost & { changes: number };
  readonly device = new EchoDevice();
  readonly pci: VirtioPciFunction;

  constructor(buffer: ArrayBuffer, vectors = 2) {
    this.host = Object.assign(new RecordingHost(), { changes: 0, changed: () => {
        this.host.changes++;
      } });
    this.host.memory.add({ start: 0, size: buffer.byteLength, writable: true, backing: bufferBacking(buffer) });
    this.device.hold = true;
    this.pci = new VirtioPciFunction(this.device, { packed: true, suspend: true, kept: true, vectors });
    this.pci.attach(this.host);
  }

  get(register: keyof typeof field): number {
    return this.pci.bars[0]?.read(field[register].offset, width(register)) ?? 0;
  }
  set(register: keyof typeof field, value: number): void {
    this.pci.bars[0]?.write(field[register].offset, width(register), value);
  }
  notify(): void {
    this.pci.bars[0]?.write(0x3000, 2, 0);
  }

  /** VIRTIO 1.4 §3.1.1 with queue 0 and MSI-X vector 1, or INTA. */
  bringUp(memory: GuestMemory, features: bigint): DriverVirtqueue {
    this.pci.writeConfig(PciHeader.fields.command.offset, 2, COMMAND_MEMORY);
    if (this.pci.msixVectors > 0) {
      this.pci.writeConfig(0x42, 2, MSIX_ENABLE);
      for (const vector of [0, 1]) {
        [0xfee0_0000, 0, 40 + vector, 0].forEach((value, i) => this.pci.bars[1]?.write(16 * vector + 4 * i, 4, value));
      }
    }
    this.set('device_status', ACKNOWLEDGE | DRIVER);
    for (const select of [0, 1]) {
      this.set('driver_feature_select', select);
      this.set('driver_feature', Number((features >> BigInt(32 * select)) & 0xffff_ffffn));
    }
    this.set('device_status', READY);
    // Or it would have to be told that it has not seen the last change.
    this.pci.bars[0]?.read(0x2000, 4);
    this.set('config_msix_vector', 0);
    this.set('queue_msix_vector', 1);
    const queue = createDriverQueue(memory, features, 0x1000, 8);
    for (const area of ['desc', 'driver', 'device'] as const) this.pci.bars[0]?.write(field[`queue_${area}`].offset, 4, queue.placement[area]);
    this.set('queue_enable', 1);
    this.set('device_status', RUNNING);
    return queue;
  }

  saved(): FunctionState {
    return JSON.parse(JSON.stringify(this.pci.save())) as FunctionState;
  }
}

function width(register: keyof typeof field): 1 | 2 | 4 {
  const { size } = field[register];
  return size === 8 ? 4 : (size as 1 | 2 | 4);
}

let buffer: ArrayBuffer;
let memory: GuestMemory;
beforeEach(() => {
  buffer = new ArrayBuffer(0x1_0000);
  memory = new GuestMemory();
  memory.add({ start: 0, size: buffer.byteLength, writable: true, backing: bufferBacking(buffer) });
});

/** The next process, restored and not gone on. */
function next(before: Process, vectors = 2): Process {
  const process = new Process(buffer, vectors);
  process.host.changes = 0;
  process.pci.restore(before.saved());
  return process;
}

describe.each(QUEUE_FORMATS)('a function with a %s queue', (_, format) => {
  const features = format | VIRTIO_F_VERSION_1 | VIRTIO_F_SUSPEND;
  let old: Process;
  let queue: DriverVirtqueue;
  const send = (process: Process): void => {
    queue.add([{ address: 0x8000, length: 4 }]);
    queue.publish();
    process.notify();
  };
  beforeEach(() => {
    old = new Process(buffer);
    queue = old.bringUp(memory, features);
  });

  it('is what it was, register by register, and saves the same again', () => {
    old.set('queue_select', 1);
    old.set('device_feature_select', 1);
    old.pci.writeConfig(PciHeader.fields.interrupt_line.offset, 1, 11);
    const bytes = new Uint8Array(buffer).slice();
    const now = next(old);
    expect(now.saved()).toEqual(old.saved());
    expect([now.host.messages, now.host.intxLevels, now.host.deferred, now.host.changes]).toEqual([[], [], [], 0]);
    expect(new Uint8Array(buffer)).toEqual(bytes);
    for (let at = 0; at < 256; at += 4) expect(now.pci.readConfig(at, 4), `configuration at ${at}`).toBe(old.pci.readConfig(at, 4));
    for (let at = 0; at < VirtioPciCommonCfg.size; at += 4) expect(now.pci.bars[0]?.read(at, 4), `register at ${at}`).toBe(old.pci.bars[0]?.read(at, 4));
    for (let at = 0; at < 4096; at += 4) expect(now.pci.bars[1]?.read(at, 4)).toBe(old.pci.bars[1]?.read(at, 4));
  });

  it('takes again what the one before had not given back, and notifies once in any case', () => {
    send(old);
    send(old);
    old.device.complete(old.device.held[0], 4);
    expect(queue.takeUsed()?.length).toBe(4);
    const now = next(old);
    now.pci.proceed();
    expect([now.device.held.length, now.host.messages]).toEqual([1, ['fee00000:41']]);
    now.device.complete(now.device.held[0]);
    expect([queue.takeUsed() !== undefined, queue.takeUsed(), now.host.messages.length]).toEqual([true, undefined, 2]);
    send(now);
    expect(now.device.held).toHaveLength(1);
  });

  it('is held when all that was taken is given back, and takes nothing until it goes on', () => {
    let held = 0;
    send(old);
    old.pci.hold(() => held++);
    send(old);
    expect([held, old.device.held.length]).toEqual([0, 1]);
    old.device.complete(old.device.held[0]);
    expect([held, old.device.held.length, old.host.messages.length]).toEqual([1, 0, 1]);
    old.pci.proceed();
    expect([held, old.device.held.length]).toEqual([1, 1]);
  });

  it('goes on where another went on from it and died', () => {
    old.pci.hold(() => undefined);
    const state = old.saved();
    const other = next(old);
    other.pci.proceed();
    // With a packed queue only the progress would tell what the other gave back; here it has taken it, no more.
    send(other);
    if (format === 0n) other.device.complete(other.device.held[0]);
    send(other);
    old.pci.restore(state);
    expect(old.device.held).toEqual([]);
    old.pci.proceed();
    expect(old.device.held).toHaveLength(format === 0n ? 1 : 2);
    while (old.device.held.length > 0) old.device.complete(old.device.held[0]);
    expect([queue.takeUsed() !== undefined, queue.takeUsed() !== undefined, queue.takeUsed()]).toEqual([true, true, undefined]);
  });

  it('finishes a reset that was under way', () => {
    send(old);
    old.set('device_status', 0);
    const now = next(old);
    expect([now.get('device_status'), now.host.changes]).toEqual([RUNNING, 0]);
    now.pci.proceed();
    expect([now.get('device_status'), now.get('queue_enable'), now.device.held, now.host.messages]).toEqual([0, 0, [], []]);
    expect(now.host.changes).toBeGreaterThan(0);
  });

  it('stays suspended, serves nothing, and all that was left when the driver resumes', () => {
    old.set('device_status', RUNNING | SUSPEND);
    const now = next(old);
    now.pci.proceed();
    send(now);
    expect([now.get('device_status'), now.device.held, now.host.messages]).toEqual([READY | SUSPEND, [], []]);
    now.set('device_status', RUNNING);
    expect([now.get('device_status'), now.device.held.length]).toEqual([RUNNING, 1]);
  });

  it('finishes suspending', () => {
    send(old);
    old.set('device_status', RUNNING | SUSPEND);
    const now = next(old);
    now.pci.proceed();
    expect([now.get('device_status'), now.device.held.length]).toEqual([RUNNING, 1]);
    now.device.complete(now.device.held[0]);
    expect([now.get('device_status'), now.host.messages.length]).toEqual([READY | SUSPEND, 2]);
  });

  it('still asks for a reset, and says so again', () => {
    old.device.queue?.fail({ code: 'memory-fault', detail: 'for the test' });
    const now = next(old);
    now.pci.proceed();
    expect([now.get('device_status'), now.host.messages]).toEqual([RUNNING | DEVICE_NEEDS_RESET, ['fee00000:40']]);
    send(now);
    expect(now.device.held).toEqual([]);
  });

  it('looks for its ring until that is in RAM', () => {
    send(old);
    const now = next(old);
    now.host.memory.remove(0, buffer.byteLength);
    now.pci.proceed();
    expect([now.get('device_status'), now.pci.polled.look(), now.pci.polled.rest()]).toEqual([RUNNING, false, 'later']);
    now.host.memory.add({ start: 0, size: buffer.byteLength, writable: true, backing: bufferBacking(buffer) });
    expect([now.pci.polled.look(), now.device.held.length]).toEqual([true, 1]);
  });

  it('says that it has changed for what it saves, and not for requests', () => {
    old.host.changes = 0;
    send(old);
    old.device.complete(old.device.held[0]);
    old.get('device_status');
    expect(old.host.changes).toBe(0);
    for (const write of [
      () => old.set('queue_select', 1),
      () => old.pci.writeConfig(PciHeader.fields.interrupt_line.offset, 1, 3),
      () => old.pci.bars[1]?.write(12, 4, 1),
      () => old.device.queue?.fail({ code: 'memory-fault', detail: 'for the test' }),
    ]) {
      const before = old.host.changes;
      write();
      expect(old.host.changes, String(write)).toBeGreaterThan(before);
    }
  });
});

it('finishes the reset of one queue', () => {
  const old = new Process(buffer);
  const ringReset = 1n << 40n;
  const queue = old.bringUp(memory, VIRTIO_F_VERSION_1 | ringReset);
  queue.add([{ address: 0x8000, length: 4 }]);
  queue.publish();
  old.notify();
  old.set('queue_reset', 1);
  const now = next(old);
  expect([now.get('queue_reset'), now.get('queue_enable')]).toEqual([1, 1]);
  now.pci.proceed();
  expect([now.get('queue_reset'), now.get('queue_enable'), now.get('queue_msix_vector'), now.device.held]).toEqual([0, 0, 0xffff, []]);
});

it('raises INTA again, whether the one before came to it or not', () => {
  const old = new Process(buffer, 0);
  old.bringUp(memory, VIRTIO_F_VERSION_1);
  const now = next(old, 0);
  now.pci.proceed();
  expect([...now.host.intxLevels, now.pci.bars[0]?.read(0x1000, 1)]).toEqual([false, true, 1]);
});

describe('a state that cannot be', () => {
  type Path = readonly (string | number)[];
  const cases: readonly (readonly [path: Path, value: unknown, message: string])[] = [
    [['command'], 'x', 'function.command'],
    [['bars'], [1], 'function.bars is [1]; it has to be a list of 6'],
    [['capabilities', 0], 'AAAA', 'function.capabilities[0]'],
    [['msix', 'table'], '', 'function.msix.table'],
    [['device'], null, 'function.device'],
    [['device', 'queueSelect'], -1, 'function.device.queueSelect'],
    [['device', 'queueMsixVectors'], [], 'function.device.queueMsixVectors'],
    [['device', 'isrStatus'], 4, 'function.device.isrStatus'],
    [['device', 'rangeAddress'], 5, 'function.device.rangeAddress'],
    [['device', 'controller', 'deviceStatus'], 256, 'function.device.controller.deviceStatus'],
    [['device', 'controller', 'driverFeatures'], '0x8000000000000000', 'this device does not offer 0x8000000000000000'],
    [['device', 'controller', 'config', 'generation'], 256, 'function.device.controller.config.generation'],
    [['device', 'controller', 'queues', 0, 'size'], 3, 'no queue can have 3 entries'],
    [['device', 'controller', 'queues', 0, 'size'], 16, 'queues[0].size is 16; it has to be a whole number from 0 to 8'],
    [['device', 'controller', 'queues', 0, 'desc'], '0x1001', 'descriptor table at 0x1001'],
    [['device', 'controller', 'queues', 0, 'enabled'], undefined, 'queues[0].enabled'],
    [['device', 'controller', 'resetting'], 0, 'function.device.controller.resetting'],
  ];

  it.each(cases)('%j = %j is refused, and the function is as before', (path, value, message) => {
    const old = new Process(buffer);
    old.bringUp(memory, VIRTIO_F_VERSION_1);
    const before = old.saved();
    const broken: unknown = structuredClone(before);
    const parent = path.slice(0, -1).reduce<Record<string | number, unknown>>((object, key) => object[key] as Record<string, unknown>, broken as Record<string, unknown>);
    parent[path.at(-1) ?? ''] = value;
    expect(() => old.pci.restore(broken)).toThrow(message);
    expect(old.saved()).toEqual(before);
  });

  it('a packed queue that does not say where it stood is refused, or stands nowhere', () => {
    const old = new Process(buffer);
    old.bringUp(memory, VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED);
    const text = JSON.stringify(old.saved());
    expect(() => old.pci.restore(JSON.parse(text.replaceAll(/,"position":\d+/g, '')))).toThrow('does not say where it stood');
    expect(() => old.pci.restore(JSON.parse(text.replaceAll(/"position":\d+/g, '"position":9')))).toThrow('0x9 is no position in a packed queue of 8');
  });
});
