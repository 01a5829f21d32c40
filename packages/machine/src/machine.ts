import { join } from 'node:path';
import { abandonBackend, closeBackend, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import type { PropertySource } from '@vpmem/options';
import { PMEM_ALIGNMENT } from '@vpmem/virtio-pmem';
import type { DeviceEvent, DeviceStatus } from './device-messages.ts';
import { deviceId, pciPlacement, readDevice, type PciPlacement } from './device-properties.ts';
import { DeviceThreadHandle } from './device-thread-handle.ts';
import { MachineError } from './machine-error.ts';
import { readObject } from './object-properties.ts';
import { ensureSocketFolder, listenAt, type ListeningSocket } from './socket-path.ts';

/** A device somebody can plug in. */
export interface Device {
  /** The `id` given, else that of its memory backend. */
  readonly id: string;
  readonly memdev: string;
  readonly socketPath: string;
  /** Bytes of memory. */
  readonly size: number;
  /** What was given for the VM's own bus. */
  readonly pci: PciPlacement;
}

/** What a machine's owner wants to hear. */
export interface MachineObserver {
  /** Something a user should know before relying on it, such as memory that will not persist. */
  warning(text: string): void;
  deviceEvent(event: DeviceEvent): void;
  /** The device thread died, and every device with it: an error in this program. */
  failed(error: Error): void;
}

/** Where a machine keeps its sockets. */
export interface MachineOptions {
  /** Directory for sockets that are not named; default: of this user's, see `defaultSocketFolder`. */
  readonly socketFolder?: string;
}

/**
 * Objects and devices as QEMU names them, served to real VMs. Every step succeeds or leaves nothing behind. The devices
 * run in a thread of their own; this class is its main thread's side.
 */
export class Machine {
  readonly #observer: MachineObserver;
  readonly #options: MachineOptions;
  readonly #thread: DeviceThreadHandle;
  readonly #backends = new Map<string, BackendDescription>();
  readonly #devices = new Map<string, Device>();
  readonly #sockets: ListeningSocket[] = [];

  constructor(observer: MachineObserver, options: MachineOptions = {}) {
    this.#observer = observer;
    this.#options = options;
    this.#thread = new DeviceThreadHandle(
      (event) => observer.deviceEvent(event),
      (error) => observer.failed(error),
    );
  }

  get devices(): readonly Device[] {
    return [...this.#devices.values()];
  }

  /** Makes an object: what `-object` and `object_add` ask for. @throws OptionError, MachineError, BackendError */
  async addObject(source: PropertySource): Promise<void> {
    const options = readObject(source);
    if (this.#backends.has(options.id)) throw new MachineError('duplicate-id', 'id', `there is an object '${options.id}' already; give each its own id`);
    const backend = await openBackend(options);
    this.#backends.set(options.id, backend);
    if (backend.volatile !== undefined) this.#observer.warning(backend.volatile);
  }

  /** Makes a device and serves it: what `-device` and `device_add` ask for. @throws OptionError, MachineError */
  async addDevice(source: PropertySource): Promise<Device> {
    const options = readDevice(source);
    const id = deviceId(options);
    if (this.#devices.has(id)) throw new MachineError('duplicate-id', 'id', `there is a device '${id}' already; give each its own id`);
    const backend = this.#freeBackend(id, options.memdev);
    checkSize(id, backend);
    checkAlign(id, backend);
    const socketPath = options.socket ?? join(this.#options.socketFolder ?? ensureSocketFolder(), `${id}.sock`);
    const socket = listenAt(socketPath);
    const { vectors, event_idx: eventIndex, indirect_desc: indirectDescriptors } = options;
    try {
      await this.#thread.request({ type: 'add', device: { id, backend, vectors, eventIndex, indirectDescriptors, listener: socket.fd } });
    } catch (error) {
      socket.remove();
      throw error;
    }
    this.#sockets.push(socket);
    const device: Device = { id, memdev: options.memdev, socketPath, size: backend.size, pci: pciPlacement(options) };
    this.#devices.set(id, device);
    return device;
  }

  /** How each device is doing. */
  async status(): Promise<readonly DeviceStatus[]> {
    return this.#thread.request({ type: 'status' });
  }

  /** Takes the sockets away, makes everything durable, hangs up on the VMs, lets go of the files. */
  async stop(): Promise<void> {
    await this.#hangUp();
    for (const backend of this.#backends.values()) closeBackend(backend);
    this.#backends.clear();
  }

  /** Undoes a set-up that could not be finished: files it made are gone again. */
  async abandon(): Promise<void> {
    await this.#hangUp();
    for (const backend of this.#backends.values()) abandonBackend(backend);
    this.#backends.clear();
  }

  async #hangUp(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.remove();
    await this.#thread.stop();
    this.#devices.clear();
  }

  #freeBackend(id: string, memdev: string): BackendDescription {
    const backend = this.#backends.get(memdev);
    if (backend === undefined) {
      const known = [...this.#backends.keys()].map((name) => `'${name}'`).join(', ');
      throw new MachineError(
        'memdev-missing',
        'memdev',
        `device '${id}': there is no memory backend '${memdev}'${known === '' ? '; make one with -object memory-backend-file' : `; there is ${known}`}`,
      );
    }
    const user = this.devices.find((device) => device.memdev === memdev);
    if (user !== undefined) {
      throw new MachineError('memdev-busy', 'memdev', `device '${id}': memory backend '${memdev}' belongs to device '${user.id}'; a backend serves one device`);
    }
    return backend;
  }
}

/** @throws MachineError for a size a Linux guest would refuse, late and without a word on why */
function checkSize(id: string, { id: memdev, size }: BackendDescription): void {
  if (size % PMEM_ALIGNMENT === 0) return;
  const below = Math.floor(size / PMEM_ALIGNMENT) * PMEM_ALIGNMENT;
  const choices = below === 0 ? `${PMEM_ALIGNMENT}` : `${below} or ${below + PMEM_ALIGNMENT}`;
  throw new MachineError(
    'bad-size',
    'size',
    `device '${id}': memory backend '${memdev}' has ${size} bytes; Linux maps persistent memory in units of 2 MiB, so make it ${choices}`,
  );
}

/** A BAR begins at a multiple of its own size, a power of two; nothing can promise more. @throws MachineError */
function checkAlign(id: string, { id: memdev, size, align }: BackendDescription): void {
  const promised = 2 ** Math.ceil(Math.log2(size));
  if (align <= promised) return;
  throw new MachineError(
    'bad-align',
    'align',
    `device '${id}': memory backend '${memdev}' asks for align=${align}; memory of ${size} bytes lies in a BAR aligned to ${promised}, so that is the most`,
  );
}
