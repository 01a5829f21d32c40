import { MachineError, type BackendStore, type MachineEvent } from '@vpmem/machine';
import type { DeviceThreadHandle } from './device-thread-handle.ts';
import type { Served, ServedDevices } from './served-devices.ts';

/** What removing works on. */
export interface RemovalContext {
  readonly devices: ServedDevices;
  readonly backends: BackendStore;
  readonly thread: DeviceThreadHandle;
  readonly emit: (event: MachineEvent) => void;
  /** Told when a device has gone. */
  readonly removed: (id: string) => void;
}

/** How served devices go: at once if no VM has them, or with the VM that has. */
export class ServedRemoval {
  readonly #context: RemovalContext;

  constructor(context: RemovalContext) {
    this.#context = context;
  }

  /** @throws MachineError if there is none, a VM has it and `wait` is not set, or it is going already */
  async remove(idOrPath: string, wait: boolean): Promise<void> {
    const { devices, thread } = this.#context;
    const device = devices.find(idOrPath);
    if (device.leaving !== 'no') {
      throw new MachineError('unplug-pending', 'id', `Device ${device.id} is already in the process of unplug; it ends when its VM lets go of it`);
    }
    if (wait) {
      device.leaving = 'with-client';
      device.socket.remove();
      await thread.request({ type: 'retire', id: device.id });
      return this.#removeIfFree(device);
    }
    device.leaving = 'now';
    try {
      await thread.request({ type: 'remove', id: device.id });
    } catch (error) {
      device.leaving = 'no';
      if (!(error instanceof MachineError) || error.code !== 'device-busy') throw error;
      throw new MachineError(
        'device-busy',
        'id',
        `device '${device.id}' is in use by a VM; unplug it there first (device_del ${device.id} in its monitor), or say wait=on to let it go when the VM does`,
      );
    }
    this.#removed(device);
  }

  /** A device that was waited for goes now. */
  async clientLeft(device: Served): Promise<void> {
    if (device.leaving === 'with-client') await this.#removeIfFree(device);
  }

  /** For a device whose client may still have it: its leaving is tried again then. */
  async #removeIfFree(device: Served): Promise<void> {
    const { devices, thread } = this.#context;
    // The client may leave just when it is asked whether it has: one of the two is enough.
    if (device.removing || devices.get(device.id) !== device) return;
    device.removing = true;
    try {
      await thread.request({ type: 'remove', id: device.id });
    } catch (error) {
      if (error instanceof MachineError && error.code === 'device-busy') return;
      throw error;
    } finally {
      device.removing = false;
    }
    this.#removed(device);
  }

  #removed(device: Served): void {
    const { devices, backends, emit, removed } = this.#context;
    const { id, named, path, memdev, socket } = device;
    socket.remove();
    devices.remove(id);
    backends.release(memdev);
    removed(id);
    emit({ name: 'DEVICE_DELETED', data: { path: `${path}/virtio-backend` } });
    emit({ name: 'DEVICE_DELETED', data: { ...(named && { device: id }), path } });
  }
}
