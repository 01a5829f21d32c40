import { EventHub, type MachineEvent } from '@vpmem/machine';
import type { HotPlug, ServedMachine } from '../plug/hot-plug.ts';
import { eventDevice, machineEvent } from './qemu-events.ts';
import type { QemuEvent, QemuMonitor } from './qemu-monitor.ts';

export const PERIPHERAL = '/machine/peripheral/';

/** What happens to a QEMU and to the devices that are served to it, as the events of one machine. */
export class MachineEvents {
  readonly #served: ServedMachine;
  readonly #plug: HotPlug;
  readonly #failed: (error: Error) => void;
  readonly #hub = new EventHub<MachineEvent>();
  #shutDown = false;

  /** @param failed told of an error in this program */
  constructor(served: ServedMachine, qemu: QemuMonitor, plug: HotPlug, failed: (error: Error) => void) {
    this.#served = served;
    this.#plug = plug;
    this.#failed = failed;
    served.onEvent((event) => this.#ours(event));
    qemu.onEvent((event) => this.#theirs(event));
    void qemu.ended.then(() => this.#ended());
  }

  /** Calls `listener` for everything that happens from now on; returns how to stop that. */
  add(listener: (event: MachineEvent) => void): () => void {
    return this.#hub.add(listener);
  }

  /** Settles when a device that QEMU has let go of is gone here too. */
  async deviceGone(id: string): Promise<void> {
    await this.#plug.gone(id);
    if (!this.#isOurs(id)) return;
    await new Promise<void>((resolve) => {
      const stop = this.#hub.add(({ name, data }) => {
        if (name !== 'DEVICE_DELETED' || deviceOf(data) !== id) return;
        stop();
        resolve();
      });
    });
  }

  #ours(event: MachineEvent): void {
    const made = event.name === 'DEVICE_DELETED' ? deviceOf(event.data) : undefined;
    if (made === undefined || !this.#plug.undoing(made)) this.#emit(event);
  }

  #theirs(event: QemuEvent): void {
    const device = eventDevice(event);
    // When one of ours has left QEMU, it is not gone yet: it says so itself when it is.
    if (event.event === 'DEVICE_DELETED' && device !== undefined && this.#isOurs(device)) {
      this.#plug.gone(device).catch((error: unknown) => this.#failed(error as Error));
      return;
    }
    this.#emit(machineEvent(event));
  }

  /** A QEMU that was killed says nothing. */
  #ended(): void {
    if (!this.#shutDown) this.#emit({ name: 'SHUTDOWN', data: { guest: false, reason: 'host-error' } });
  }

  #emit(event: MachineEvent): void {
    if (event.name === 'SHUTDOWN') this.#shutDown = true;
    this.#hub.emit(event);
  }

  #isOurs(id: string): boolean {
    return this.#served.devices.some((device) => device.id === id);
  }
}

/** The id of a device, also where the event is of its inner part. */
function deviceOf({ path }: { readonly path: string }): string | undefined {
  return path.startsWith(PERIPHERAL) ? path.slice(PERIPHERAL.length).split('/')[0] : undefined;
}
