import { savedBytes, SavedObject, type AccessWidth } from '@vpmem/layout';
import { BAR_COUNT, BarRegisters, type Bar } from './bar.ts';
import type { Capability } from './capability.ts';
import {
  CAPABILITIES_AT,
  COMMAND_INTX_DISABLE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  COMMAND_PARITY,
  COMMAND_SERR,
  CONFIG_SIZE,
  PciHeader,
  STATUS_CAPABILITIES,
  STATUS_INTERRUPT,
} from './config-header.ts';
import type { EndpointState } from './function-state.ts';
import { Msix } from './msix.ts';
import type { PciFunction, PciHost } from './pci-function.ts';

/** What a function is. */
export interface EndpointOptions {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Base class, sub-class and programming interface: 0xBBSSPP. */
  readonly classCode: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** By BAR register. */
  readonly bars: readonly (Bar | undefined)[];
  /** In list order. An {@link Msix} among them is the function's MSI-X. */
  readonly capabilities: readonly Capability[];
  /** Whether the function has an interrupt pin (INTA). */
  readonly intx: boolean;
  /** The function was unplugged, or reset by the platform. */
  onReset(): void;
  /** Some BAR may be somewhere else now: a BAR register or memory decoding changed. */
  onDecodeChange(): void;
}

const COMMAND_BITS = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR | COMMAND_INTX_DISABLE;
const { command, status, bar: barField, interrupt_line, cache_line_size, latency_timer } = PciHeader.fields;

interface PlacedCapability {
  readonly capability: Capability;
  readonly at: number;
  readonly end: number;
}

/** A conventional PCI function: header, BARs, capability list, MSI-X and INTx. A device type adds only what is its own. */
export class PciEndpoint implements PciFunction {
  readonly configSize = CONFIG_SIZE;
  readonly bars: readonly (Bar | undefined)[];
  readonly intx: boolean;
  readonly #options: EndpointOptions;
  readonly #registers: BarRegisters;
  readonly #msix: Msix | undefined;
  readonly #capabilities: PlacedCapability[] = [];
  readonly #bytes = new Uint8Array(CONFIG_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  #host: PciHost | undefined;
  #intxWanted = false;
  #intxSent = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.bars = options.bars;
    this.intx = options.intx;
    this.#registers = new BarRegisters(options.bars);
    this.#msix = options.capabilities.find((capability) => capability instanceof Msix);
    this.#msix?.onChange(() => this.#host?.changed?.());
    PciHeader.write(this.#view, 0, {
      vendor_id: options.vendorId,
      device_id: options.deviceId,
      status: options.capabilities.length > 0 ? STATUS_CAPABILITIES : 0,
      revision_id: options.revision,
      prog_if: options.classCode & 0xff,
      sub_class: (options.classCode >> 8) & 0xff,
      base_class: options.classCode >> 16,
      subsystem_vendor_id: options.subsystemVendorId,
      subsystem_id: options.subsystemId,
      interrupt_pin: options.intx ? 1 : 0,
    });
    this.#placeCapabilities();
  }

  get msixVectors(): number {
    return this.#msix?.vectors ?? 0;
  }

  /** Whether the driver has switched from INTx to MSI-X. */
  get msixEnabled(): boolean {
    return this.#msix?.enabled ?? false;
  }

  /** What the function is plugged into, if anything. */
  get host(): PciHost | undefined {
    return this.#host;
  }

  /** Guest-physical address of a BAR; undefined while it has none or memory decoding is off. */
  barAddress(index: number): bigint | undefined {
    const address = this.#registers.address(index);
    return (command.get(this.#view, 0) & COMMAND_MEMORY) === 0 || address === 0n ? undefined : address;
  }

  /** Sends an MSI-X message. */
  raiseMsix(vector: number): void {
    this.#msix?.trigger(vector);
  }

  /** Sets the level of INTA. The Interrupt Status bit follows it; the line only while INTx is not disabled. */
  setIntx(asserted: boolean): void {
    this.#intxWanted = asserted;
    this.#updateIntx();
  }

  attach(host: PciHost): void {
    this.#host = host;
    this.#msix?.connect(host.msix);
  }

  detach(): void {
    this.reset();
    this.#msix?.connect(undefined);
    this.#host = undefined;
  }

  reset(): void {
    this.#registers.reset();
    command.set(this.#view, 0, 0);
    interrupt_line.set(this.#view, 0, 0);
    cache_line_size.set(this.#view, 0, 0);
    latency_timer.set(this.#view, 0, 0);
    this.#msix?.reset();
    this.#copyCapabilities();
    this.#options.onReset();
    this.setIntx(false);
  }

  readConfig(offset: number, width: AccessWidth): number {
    for (const { capability, at, end } of this.#capabilities) {
      if (offset < end && offset + width > at) {
        capability.beforeRead?.(offset - at, width);
        this.#bytes.set(capability.body, at + 2);
      }
    }
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#configByte(offset + i);
    return value;
  }

  writeConfig(offset: number, width: AccessWidth, value: number): void {
    if (offset + width > CONFIG_SIZE) return;
    this.#writeConfig(offset, width, value);
    this.#host?.changed?.();
  }

  /** What a driver made of the function, to be put back by {@link restoring}. */
  save(): EndpointState {
    return {
      command: command.get(this.#view, 0),
      cacheLineSize: cache_line_size.get(this.#view, 0),
      latencyTimer: latency_timer.get(this.#view, 0),
      interruptLine: interrupt_line.get(this.#view, 0),
      bars: this.#registers.values,
      capabilities: this.#capabilities.map(({ capability }) => savedBytes(capability.body)),
      ...(this.#msix === undefined ? {} : { msix: this.#msix.save() }),
      intx: this.#intxWanted,
    };
  }

  /**
   * Reads what {@link save} gave. Call what it returns to put it back, as far as a driver could have written it: nothing is sent, nobody
   * is called.
   *
   * @throws RangeError that names the member
   */
  restoring(state: unknown): () => void {
    const saved = new SavedObject(state, 'function');
    const header = [
      [command, saved.number('command', 0xffff) & COMMAND_BITS],
      [cache_line_size, saved.number('cacheLineSize', 0xff)],
      [latency_timer, saved.number('latencyTimer', 0xff)],
      [interrupt_line, saved.number('interruptLine', 0xff)],
    ] as const;
    const bars = saved.numbers('bars', BAR_COUNT, 0xffff_ffff);
    const bodies = saved.pieces('capabilities', this.#capabilities.map(({ capability }) => capability.body.length));
    const restoreMsix = this.#msix?.restoring(saved.object('msix'));
    const intx = saved.boolean('intx');
    return () => {
      for (const [field, value] of header) field.set(this.#view, 0, value);
      this.#registers.restore(bars);
      this.#capabilities.forEach(({ capability: { body, writable } }, i) => {
        bodies[i]?.forEach((byte, at) => (body[at] = ((body[at] ?? 0) & ~(writable?.[at] ?? 0)) | (byte & (writable?.[at] ?? 0))));
      });
      this.#copyCapabilities();
      restoreMsix?.();
      this.#intxWanted = this.intx && intx;
      this.#intxSent = this.#showIntx();
    };
  }

  /** Tells the host the level of INTA once more: whoever was before may not have come to that. */
  repeatIntx(): void {
    if (this.intx) this.#host?.intx(this.#intxSent);
  }

  #writeConfig(offset: number, width: AccessWidth, value: number): void {
    if (offset >= barField.offset && offset < barField.offset + barField.size) return this.#writeBar(offset, width, value);
    if (offset >= CAPABILITIES_AT) return this.#writeCapability(offset, width, value);
    for (let i = 0; i < width; i++) this.#writeHeaderByte(offset + i, (value >>> (8 * i)) & 0xff);
  }

  #writeHeaderByte(offset: number, byte: number): void {
    if (offset === command.offset || offset === command.offset + 1) {
      const before = command.get(this.#view, 0);
      this.#bytes[offset] = byte & (COMMAND_BITS >> (8 * (offset - command.offset)));
      this.#updateIntx();
      if (((before ^ command.get(this.#view, 0)) & COMMAND_MEMORY) !== 0) this.#options.onDecodeChange();
    } else if ([cache_line_size.offset, latency_timer.offset, interrupt_line.offset].includes(offset)) {
      this.#bytes[offset] = byte;
    }
  }

  /** BAR registers take dwords; anything narrower is merged into one. */
  #writeBar(offset: number, width: AccessWidth, value: number): void {
    for (let i = 0; i < width; ) {
      const index = (offset + i - barField.offset) >> 2;
      const within = (offset + i) & 3;
      const bits = 8 * Math.min(width - i, 4 - within);
      const mask = (bits === 32 ? 0xffff_ffff : 2 ** bits - 1) << (8 * within);
      const piece = (value >>> (8 * i)) << (8 * within);
      this.#registers.write(index, (this.#registers.read(index) & ~mask) | (piece & mask));
      i += bits / 8;
    }
    this.#options.onDecodeChange();
  }

  #writeCapability(offset: number, width: AccessWidth, value: number): void {
    for (const { capability, at, end } of this.#capabilities) {
      if (offset >= end || offset + width <= at) continue;
      for (let i = 0; i < width; i++) {
        const index = offset + i - at - 2;
        const mask = capability.writable?.[index] ?? 0;
        if (mask !== 0) capability.body[index] = ((capability.body[index] ?? 0) & ~mask) | ((value >>> (8 * i)) & mask);
      }
      capability.afterWrite?.(offset - at, width);
    }
  }

  #configByte(offset: number): number {
    if (offset >= barField.offset && offset < barField.offset + barField.size) {
      const register = this.#registers.read((offset - barField.offset) >> 2);
      return (register >>> (8 * (offset & 3))) & 0xff;
    }
    return this.#bytes[offset] ?? 0;
  }

  #updateIntx(): void {
    if (!this.intx) return;
    const line = this.#showIntx();
    if (line === this.#intxSent) return;
    this.#intxSent = line;
    this.#host?.intx(line);
  }

  /** Shows in the status what is wanted, and says which level of the line that makes. */
  #showIntx(): boolean {
    const now = status.get(this.#view, 0) & ~STATUS_INTERRUPT;
    status.set(this.#view, 0, now | (this.#intxWanted ? STATUS_INTERRUPT : 0));
    return this.#intxWanted && (command.get(this.#view, 0) & COMMAND_INTX_DISABLE) === 0;
  }

  #placeCapabilities(): void {
    let at = CAPABILITIES_AT;
    let pointerAt = PciHeader.fields.capabilities_pointer.offset;
    for (const capability of this.#options.capabilities) {
      const end = at + 2 + capability.body.length;
      if (end > CONFIG_SIZE) throw new RangeError('the capabilities do not fit into configuration space');
      this.#bytes[pointerAt] = at;
      this.#bytes[at] = capability.id;
      this.#capabilities.push({ capability, at, end });
      pointerAt = at + 1;
      at = Math.ceil(end / 4) * 4;
    }
    this.#copyCapabilities();
  }

  #copyCapabilities(): void {
    for (const { capability, at } of this.#capabilities) this.#bytes.set(capability.body, at + 2);
  }
}
