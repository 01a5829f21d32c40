import type { AccessWidth } from '@vpmem/layout';
import { Msix, PciEndpoint, type Bar, type FunctionState, type PciFunction, type PciHost } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';

const REGISTERS = 0x1000;
const NOTHING = { command: 0, cacheLineSize: 0, latencyTimer: 0, interruptLine: 0, bars: [], capabilities: [], intx: false };

/**
 * A function for tests of whoever hands functions on: registers in BAR 0, memory in BAR 2, and a log of what is done to it. Its state is its
 * registers. A write of 4 bytes to offset 0 is added to what is there, so that one that is carried out twice is seen.
 */
export class CountingFunction implements PciFunction {
  readonly log: string[] = [];
  readonly registers = new Uint8Array(REGISTERS);
  readonly bars: readonly (Bar | undefined)[];
  readonly configSize = 256;
  readonly msixVectors: number;
  readonly intx: boolean;
  readonly #endpoint: PciEndpoint;
  /** Present while it is held and has not said that it is done. */
  done: (() => void) | undefined;
  /** Whether {@link hold} takes until somebody calls {@link done}. */
  holdsLong = false;
  host: PciHost | undefined;

  /** `fd`: a file of one page at least, which is the memory; without it there is none. */
  constructor(fd?: number, { intx = false, size = 4096 } = {}) {
    const view = new DataView(this.registers.buffer);
    const registers: Bar = {
      ...ramBar(REGISTERS),
      read: (offset, width) => this.registers.subarray(offset, offset + width).reduceRight((value, byte) => value * 256 + byte, 0),
      write: (offset, width, value) => {
        if (offset === 0 && width === 4) view.setUint32(0, view.getUint32(0, true) + value, true);
        else for (let i = 0; i < width; i++) this.registers[offset + i] = value / 256 ** i;
        this.host?.changed?.();
      },
    };
    const memory: Bar | undefined = fd === undefined ? undefined : { ...ramBar(4096, { is64: true }), size, areas: [{ offset: 0, size, fd, fileOffset: 0 }] };
    const ids = { vendorId: 0x1234, deviceId: 0x5678, revision: 1, classCode: 0xff0000, subsystemVendorId: 0, subsystemId: 0 };
    this.bars = [registers, undefined, memory];
    this.#endpoint = new PciEndpoint({ ...ids, bars: this.bars, capabilities: intx ? [] : [new Msix(4, 1)], intx, onReset: () => this.log.push('reset'), onDecodeChange: () => undefined });
    this.intx = intx;
    this.msixVectors = this.#endpoint.msixVectors;
  }

  readConfig(offset: number, width: AccessWidth): number {
    return this.#endpoint.readConfig(offset, width);
  }

  writeConfig(offset: number, width: AccessWidth, value: number): void {
    this.#endpoint.writeConfig(offset, width, value);
  }

  attach(host: PciHost): void {
    this.log.push('attach');
    this.host = host;
  }

  detach(): void {
    this.log.push('detach');
    this.host = undefined;
  }

  reset(): void {
    this.log.push('reset');
  }

  hold(done: () => void): void {
    this.log.push('hold');
    if (this.holdsLong) this.done = done;
    else done();
  }

  save(): FunctionState {
    return { ...NOTHING, device: { registers: Buffer.from(this.registers).toString('base64') } };
  }

  restore(state: unknown): void {
    const { device } = (state ?? {}) as { readonly device?: { readonly registers?: unknown } | null };
    const registers = device?.registers;
    if (typeof registers !== 'string') throw new RangeError('state.function.device.registers is no text; it has to be bytes in base64');
    this.log.push('restore');
    this.registers.set(Buffer.from(registers, 'base64').subarray(0, REGISTERS));
  }

  proceed(): void {
    this.log.push('proceed');
  }
}
