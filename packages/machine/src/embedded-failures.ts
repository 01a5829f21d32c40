import type { PowerCutReport, PowerObserver } from '@vpmem/memory-backend';
import type { EmbeddedDevices } from './embedded-devices.ts';
import type { EmbeddedPmem } from './embedded-pmem.ts';
import { flushFault, powerCutOrder, type FailureControl, type FlushFaultRequest, type PowerCutRequest } from './failure-control.ts';
import { MachineError } from './machine-error.ts';
import type { MachineEvent } from './machine-event.ts';
import { powerCutData } from './served-events.ts';

/** What can be made to go wrong with the devices of a machine whose guest is part of this process. */
export class EmbeddedFailures implements FailureControl {
  readonly #devices: EmbeddedDevices;
  readonly #powerOff: () => void;
  readonly #emit: (event: MachineEvent) => void;
  /** Cuts that are being carried out, and whoever waits for their end. */
  #cutting = 0;
  #waiting: (() => void)[] = [];

  /** `powerOff` takes the guest's power away: it has to start anew. */
  constructor(devices: EmbeddedDevices, powerOff: () => void, emit: (event: MachineEvent) => void) {
    this.#devices = devices;
    this.#powerOff = powerOff;
    this.#emit = emit;
  }

  /** The guest is switched off, and what it finds when it starts anew is what is left; other devices lose nothing. */
  async powerCut(id: string, request: PowerCutRequest): Promise<PowerCutReport | undefined> {
    const device = this.#find(id);
    const order = powerCutOrder(device.label, device.description, request);
    const outcome = await new Promise<PowerCutReport | Error | undefined>((resolve) => device.backing.cut(order, resolve));
    if (outcome instanceof Error) throw new MachineError('power-cut', 'image', outcome.message, { cause: outcome });
    if (outcome !== undefined) this.#tell(device, outcome);
    return outcome;
  }

  async flushFault(id: string, request: FlushFaultRequest): Promise<void> {
    const fault = flushFault(request);
    await Promise.resolve();
    this.#find(id).backing.faults.plan(fault);
  }

  /** Hears of the power of a device that is yet to be made. */
  observerOf(device: () => EmbeddedPmem): PowerObserver {
    return {
      powerLost: () => {
        this.#cutting++;
        this.#powerOff();
      },
      powerBack: () => {
        if (--this.#cutting === 0) for (const resolve of this.#waiting.splice(0)) resolve();
      },
      planned: (outcome) => this.#tell(device(), outcome instanceof Error ? outcome.message : outcome),
    };
  }

  /** Settles when there is power. */
  async powered(): Promise<void> {
    if (this.#cutting > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #find(id: string): EmbeddedPmem {
    const device = this.#devices.find(id);
    if ('backing' in device) return device;
    throw new MachineError('not-supported', 'id', `device '${id}' is no pmem device: it has nothing to lose`);
  }

  #tell({ identity: { id, path } }: EmbeddedPmem, outcome: PowerCutReport | string): void {
    this.#emit({ name: 'PMEM_POWER_CUT', data: { ...(id !== undefined && { device: id }), path, ...powerCutData(outcome) } });
  }
}
