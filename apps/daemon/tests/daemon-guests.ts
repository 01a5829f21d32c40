import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';

/** What the options of a device say that is not as usual. */
export interface DeviceDetails {
  readonly size?: string;
  /** Path of its file. */
  readonly file?: string;
  /** Appended to the backend's properties, and to the device's. */
  readonly backend?: string;
  readonly device?: string;
}

/** A device with the id `nvI`, as a command line has it, at `folder/nvI.sock`. */
export function deviceOptions(folder: string, i: number, details: DeviceDetails = {}): string[] {
  const { size = '4M', file = `${folder}/mem${i}.img`, backend = '', device = '' } = details;
  return [
    ...['-object', `memory-backend-file,id=mem${i},share=on,mem-path=${file},size=${size}${backend}`],
    ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock${device}`],
  ];
}

/** How long a client of a test waits for an answer: the end of a hang. On a busy machine a daemon may need more than the 5 s that are usual. */
export const PATIENCE = { timeoutMs: 240_000 };

/** Guests that have a device each, of those in `folder`. */
export class Guests {
  readonly #folder: string;
  readonly #all: Guest[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  plug(i: number): GuestDisk {
    const guest = new Guest();
    this.#all.push(guest);
    return guest.plug(RemoteFunction.connect(join(this.#folder, `nv${i}.sock`), PATIENCE));
  }

  cutPower(): void {
    for (const guest of this.#all) guest.cutPower();
  }
}
