import {
  flushFault, flushLimit, MachineError, powerCutData, powerCutOrder, type FailureControl, type FlushFaultRequest, type FlushLimitRequest,
  type MachineEvent, type PowerCutRequest,
} from '@vpmem/machine';
import type { PowerCutReport, PowerObserver } from '@vpmem/simulated-medium';
import { deviceData } from './device-identity.ts';
import type { EmbeddedDevices, EmbeddedMemory } from './embedded-devices.ts';

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
    const order = powerCutOrder(device.label, device.backing.description, request);
    if (order.at !== undefined && device.type === 'nvdimm') {
      throw new MachineError('not-supported', 'at-flush', `device '${device.label}' is an nvdimm: it has no flush at which its power could be cut; leave out at-flush`);
    }
    const outcome = await new Promise<PowerCutReport | Error | undefined>((resolve) => device.backing.cut(order, resolve));
    if (outcome instanceof Error) throw new MachineError('power-cut', 'image', outcome.message, { cause: outcome });
    if (outcome !== undefined) this.#tell(device, outcome);
    return outcome;
  }

  async flushFault(id: string, request: FlushFaultRequest): Promise<void> {
    const fault = flushFault(request);
    await Promise.resolve();
    this.#flushed(id, 'it has no flush that could fail').faults.plan(fault);
  }

  async flushLimit(id: string, request: FlushLimitRequest): Promise<void> {
    const limit = flushLimit(request);
    await Promise.resolve();
    this.#flushed(id, 'it has no flush that could be limited').throttle.limitTo(limit);
  }

  /** What is behind a device that flushes. @throws MachineError */
  #flushed(id: string, otherwise: string): EmbeddedMemory['backing'] {
    const device = this.#find(id);
    if (device.type !== 'nvdimm') return device.backing;
    throw new MachineError('not-supported', 'id', `device '${device.label}' is an nvdimm: ${otherwise}`);
  }

  /** Hears of the power of a device that is yet to be made. */
  observerOf(device: () => EmbeddedMemory): PowerObserver {
    return {
      powerLost: () => {
        this.#cutting++;
        this.#powerOff();
      },
      powerBack: () => {
        if (--this.#cutting === 0) for (const resolve of this.#waiting.splice(0)) resolve();
      },
      planned: (outcome) => this.#tell(device(), outcome instanceof Error ? outcome.message : outcome),
      recordingFailed: ({ path: file, incomplete: reason = '' }) =>
        this.#emit({ name: 'PMEM_RECORDING_INCOMPLETE', data: { ...deviceData(device().identity), file, reason } }),
    };
  }

  /** Settles when there is power. */
  async powered(): Promise<void> {
    if (this.#cutting > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #find(id: string): EmbeddedMemory {
    const device = this.#devices.find(id);
    if (device.type !== 'pcie-root-port') return device;
    throw new MachineError('not-supported', 'id', `device '${id}' has no memory: it has nothing to lose`);
  }

  #tell({ identity }: EmbeddedMemory, outcome: PowerCutReport | string): void {
    this.#emit({ name: 'PMEM_POWER_CUT', data: { ...deviceData(identity), ...powerCutData(outcome) } });
  }
}
