import { channel } from 'node:diagnostics_channel';
import type { TableIdentity } from './acpi-table.ts';
import { DsmResponder } from '../dsm.ts';
import type { Nvdimm } from '../nvdimm-device.ts';
import { fitStructures, nfitTable, type NvdimmPersistence } from './nfit.ts';
import { NvdimmError } from '../nvdimm-error.ts';
import { MAX_SLOTS } from '../nvdimm-layout.ts';

/** Published when the storage behind a label area fails; the guest was answered with a status. */
export interface LabelFailedMessage {
  /** Id of the device. */
  readonly id: string;
  readonly device: Nvdimm | undefined;
  readonly error: unknown;
}

/** `node:diagnostics_channel` name for {@link LabelFailedMessage}. */
export const LABEL_FAILED_CHANNEL = 'vpmem:nvdimm:label-failed';
const labelFailed = channel(LABEL_FAILED_CHANNEL);

/** All NVDIMMs of a machine, as its firmware tells of them: the NFIT, and the page through which a guest asks for more. */
export class NvdimmRoot {
  readonly #persistence: NvdimmPersistence | undefined;
  readonly #devices: (Nvdimm | undefined)[] = [];
  readonly #order: Nvdimm[] = [];
  readonly #dsm: DsmResponder;
  #fit = fitStructures([]);

  /** `persistence` is QEMU's `-machine nvdimm-persistence=`. */
  constructor({ persistence }: { readonly persistence?: NvdimmPersistence } = {}) {
    this.#persistence = persistence;
    this.#dsm = new DsmResponder({
      device: (handle) => this.#devices[handle - 1],
      fit: () => this.#fit,
      labelFailed: (handle, error) => {
        const device = this.#devices[handle - 1];
        labelFailed.publish({ id: device?.id ?? '', device, error } satisfies LabelFailedMessage);
      },
    });
  }

  /** In the order they were plugged in. */
  get devices(): readonly Nvdimm[] {
    return this.#order;
  }

  /** The lowest slot without a device. */
  get freeSlot(): number | undefined {
    const free = Array.from({ length: MAX_SLOTS }, (_, slot) => slot).find((slot) => this.#devices[slot] === undefined);
    return free;
  }

  /** Puts a device into its slot. If the guest runs, tell it afterwards, by general-purpose event 4. @throws NvdimmError with nothing changed */
  plug(device: Nvdimm): void {
    const there = this.#devices[device.slot];
    if (there !== undefined) {
      const free = this.freeSlot;
      const advice = free === undefined ? 'no slot is free' : `slot=${free} is free`;
      throw new NvdimmError('slot-busy', 'slot', `slot ${device.slot} has device '${there.id}' in it; ${advice}`);
    }
    this.#devices[device.slot] = device;
    this.#order.push(device);
    this.#changed();
  }

  /** Takes a device out again, as when the rest of plugging it in has failed. False if it is not in. */
  unplug(device: Nvdimm): boolean {
    if (this.#devices[device.slot] !== device) return false;
    this.#devices[device.slot] = undefined;
    this.#order.splice(this.#order.indexOf(device), 1);
    this.#changed();
    return true;
  }

  /** What `_FIT` answers: the NFIT's structures without its header. */
  get fit(): Uint8Array<ArrayBuffer> {
    return this.#fit;
  }

  /** The NFIT as the firmware has it at boot; undefined while there is no device, since then there is no such table. */
  nfit(identity?: TableIdentity): Uint8Array<ArrayBuffer> | undefined {
    return this.#order.length === 0 ? undefined : nfitTable(this.#fit, identity);
  }

  /** Answers the call in a page of {@link DSM_PAGE_SIZE} bytes, in its place. Whatever a guest wrote there, it never throws. */
  answer(page: Uint8Array): void {
    this.#dsm.answer(page);
  }

  #changed(): void {
    this.#fit = fitStructures(this.#order, this.#order.length === 0 ? undefined : this.#persistence);
    this.#dsm.fitChanged();
  }
}
