import type { MemoryBackend } from '@vpmem/memory-backend';
import { parseGuid } from './guid.ts';
import { BackendLabelArea, type LabelArea } from './labels/label-area.ts';
import { deviceHandle, type NfitDevice } from './acpi/nfit.ts';
import { NvdimmError } from './nvdimm-error.ts';
import { checkSlot, layOutNvdimm, type NvdimmLayout, type NvdimmLayoutOptions } from './nvdimm-layout.ts';

/** What an NVDIMM uses of its memory backend. */
export type NvdimmBackend = Pick<MemoryBackend, 'id' | 'size' | 'fd' | 'offset' | 'read' | 'write'>;

export interface NvdimmOptions extends NvdimmLayoutOptions {
  /** Id of the device, for messages. */
  readonly id: string;
  /** Which slot it is plugged into, from 0. */
  readonly slot: number;
  /** Guest-physical address, in bytes: where the machine has placed {@link Nvdimm.size} bytes. */
  readonly address: number;
  /** NUMA node; default 0. */
  readonly node?: number;
  /** As QEMU's `uuid=`; kept and shown, since nothing a PC guest sees has room for it. */
  readonly uuid?: string;
  /** Alignment of the visible memory: the backend's. */
  readonly align: number;
  /** The backend's readonly=on. Default false. */
  readonly readonly?: boolean;
}

/** An NVDIMM: memory the guest maps, and perhaps labels at its end. It has no flush request; a store is all a guest can do. */
export class Nvdimm implements NfitDevice {
  readonly id: string;
  readonly slot: number;
  readonly address: number;
  readonly node: number;
  readonly unarmed: boolean;
  readonly uuid: string | undefined;
  readonly readonly: boolean;
  readonly layout: NvdimmLayout;
  readonly labels: LabelArea | undefined;
  readonly backend: NvdimmBackend;

  /** @throws NvdimmError with the backend untouched */
  constructor(backend: NvdimmBackend, options: NvdimmOptions) {
    const { id, slot, address, node = 0, unarmed = false, uuid, align, readonly = false } = options;
    checkSlot(slot);
    checkUuid(uuid);
    this.layout = layOutNvdimm({ id: backend.id, size: backend.size, align, readonly }, options);
    this.id = id;
    this.slot = slot;
    this.address = address;
    this.node = node;
    this.unarmed = unarmed;
    this.uuid = uuid;
    this.readonly = readonly;
    this.backend = backend;
    const { labelOffset: start, labelSize: size } = this.layout;
    this.labels = size === 0 ? undefined : new BackendLabelArea(backend, { start, size, writable: !readonly });
  }

  /** Bytes the guest sees, from the backend's beginning. */
  get size(): number {
    return this.layout.pmemSize;
  }

  get handle(): number {
    return deviceHandle(this.slot);
  }

  /** An access that does not go through a mapping. What lies beyond {@link size} is not there. */
  read(offset: number, width: 1 | 2 | 4): number {
    return offset + width <= this.size ? this.backend.read(offset, width) : 0;
  }

  /** A store to read-only memory, or beyond it, is lost. */
  write(offset: number, width: 1 | 2 | 4, value: number): void {
    if (!this.readonly && offset + width <= this.size) this.backend.write(offset, width, value);
  }
}

/** Checks QEMU's `uuid=`. @throws NvdimmError */
export function checkUuid(uuid: string | undefined): void {
  if (uuid === undefined || parseGuid(uuid) !== undefined) return;
  throw new NvdimmError('bad-uuid', 'uuid', `uuid '${uuid}' is none; one reads like 4309ac30-0d11-11e4-9191-0800200c9a66`);
}
