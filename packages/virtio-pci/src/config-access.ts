import type { AccessWidth } from '@vpmem/layout';
import { CAPABILITY_VENDOR, type Bar, type Capability } from '@vpmem/pci';
import { VIRTIO_PCI_CAP_PCI_CFG, VirtioPciCfgCap } from './virtio-pci-capabilities.ts';

const { bar, offset, length, pci_cfg_data } = VirtioPciCfgCap.fields;
const DATA_END = pci_cfg_data.offset + pci_cfg_data.size;

/** VIRTIO 1.4 §4.1.4.9: a window in configuration space through which firmware reaches BARs it has not mapped. */
export class ConfigAccess implements Capability {
  readonly id = CAPABILITY_VENDOR;
  readonly body: Uint8Array;
  readonly writable: Uint8Array;
  readonly #whole: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #bars: () => readonly (Bar | undefined)[];

  constructor(bars: () => readonly (Bar | undefined)[]) {
    this.#bars = bars;
    this.#whole = VirtioPciCfgCap.encode({ cap_len: VirtioPciCfgCap.size, cfg_type: VIRTIO_PCI_CAP_PCI_CFG });
    this.#view = new DataView(this.#whole.buffer);
    this.body = this.#whole.subarray(2);
    this.writable = new Uint8Array(VirtioPciCfgCap.size);
    for (const field of [bar, offset, length, pci_cfg_data]) this.writable.fill(0xff, field.offset, field.offset + field.size);
    this.writable = this.writable.subarray(2);
  }

  beforeRead(at: number, width: number): void {
    const access = this.#access(at, width);
    if (access === undefined) return;
    const value = access.bar.read(access.offset, access.width);
    for (let i = 0; i < access.width; i++) this.#whole[pci_cfg_data.offset + i] = value / 256 ** i;
  }

  afterWrite(at: number, width: number): void {
    const access = this.#access(at, width);
    if (access === undefined) return;
    let value = 0;
    for (let i = access.width - 1; i >= 0; i--) value = value * 256 + (this.#whole[pci_cfg_data.offset + i] ?? 0);
    access.bar.write(access.offset, access.width, value);
  }

  reset(): void {
    for (const field of [bar, offset, length, pci_cfg_data]) this.#whole.fill(0, field.offset, field.offset + field.size);
  }

  /** The BAR access that touching `pci_cfg_data` stands for; undefined where driver or range are out of line. */
  #access(at: number, width: number): { bar: Bar; offset: number; width: AccessWidth } | undefined {
    if (at + width <= pci_cfg_data.offset || at >= DATA_END) return undefined;
    const target = this.#bars()[bar.get(this.#view, 0)];
    const start = offset.get(this.#view, 0);
    const size = length.get(this.#view, 0);
    if (target === undefined || (size !== 1 && size !== 2 && size !== 4)) return undefined;
    if (start % size !== 0 || start + size > target.size) return undefined;
    return { bar: target, offset: start, width: size };
  }
}
