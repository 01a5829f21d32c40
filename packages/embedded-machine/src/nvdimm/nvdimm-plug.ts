import { MachineError } from '@vpmem/machine';
import type { BackendDescription } from '@vpmem/memory-backend';
import { dataExtents } from '@vpmem/native';
import { checkUuid, hiddenDataError, HOTPLUG_EVENT, inspectHiddenTail, layOutNvdimm, Nvdimm, NvdimmError, type NvdimmLayout } from '@vpmem/nvdimm';
import { alignWarning, memoryAlign } from '../backend-align.ts';
import { deviceData, type DeviceIdentity } from '../device-identity.ts';
import { EmbeddedBacking } from '../embedded-backing.ts';
import { EmbeddedNvdimm } from './embedded-nvdimm.ts';
import { placeMemory } from '../memory-devices.ts';
import type { NvdimmSettings } from './nvdimm-properties.ts';
import type { PlugContext } from '../plug-context.ts';

/** Plugs NVDIMMs into a machine with an embedded guest; everything is checked before anything changes. */
export class NvdimmPlug {
  readonly #context: PlugContext;

  constructor(context: PlugContext) {
    this.#context = context;
  }

  /** `hot`: the machine runs, and its guest is told. @throws MachineError */
  add(options: NvdimmSettings, hot: boolean): DeviceIdentity {
    const { hardware, devices, backends, memory, failures, firmware } = this.#context;
    const { id, memdev, slot, addr, node, uuid, unarmed } = options;
    const label = id ?? memdev;
    const identity = devices.identify(id, hot);
    if (firmware === undefined) {
      throw new MachineError('not-supported', 'nvdimm', `device '${label}': nvdimm is not enabled, as nothing would tell the guest of it; start the machine with -machine TYPE,nvdimm=on`);
    }
    const backend = backends.free(memdev, label);
    const align = memoryAlign(backend);
    const { readonly = false } = backend;
    const layout = ofDevice(label, () => {
      checkUuid(uuid);
      return layOutNvdimm({ id: memdev, size: backend.size, align, readonly }, { labelSize: options['label-size'], unarmed });
    });
    const warnings = [hiddenTail(label, backend, layout, options), alignWarning(label, align)];
    const wish = { label, size: layout.pmemSize, align, address: { property: 'addr', value: addr }, slot: slot === -1 ? 'any' : slot } as const;
    const placed = placeMemory(memory, devices.placed, wish);

    const backing = new EmbeddedBacking(backends.claim(memdev, { path: identity.path, label }), failures.observerOf(() => device));
    const module = new Nvdimm(backing.memory, {
      id: label,
      slot: placed.slot,
      address: Number(placed.address),
      node,
      unarmed,
      align,
      readonly,
      labelSize: options['label-size'],
      ...(uuid !== undefined && { uuid }),
    });
    const device: EmbeddedNvdimm = new EmbeddedNvdimm({ identity, options, backing, placed, module });
    hardware.map({ address: placed.address, size: module.size, fd: backend.fd, fileOffset: backend.offset });
    firmware.root.plug(module);
    devices.add(device);
    for (const text of warnings) if (text !== undefined) this.#context.warn(text);
    if (hot) hardware.events.raise(HOTPLUG_EVENT);
    return identity;
  }

  /** Takes a device out of a machine that has not started: nobody knows of it yet. @throws MachineError if it has started */
  async remove(device: EmbeddedNvdimm, hot: boolean): Promise<void> {
    const { hardware, devices, backends, firmware, emit } = this.#context;
    const { label, identity, placed, module, backing } = device;
    if (hot) {
      throw new MachineError(
        'not-supported',
        'id',
        `device '${label}': nvdimm device hot unplug is not supported, by QEMU neither; it goes with the machine. A virtio-pmem-pci can be unplugged`,
      );
    }
    firmware?.root.unplug(module);
    hardware.unmap(placed.address);
    devices.remove(device);
    await backing.end();
    backends.release(device.options.memdev);
    emit({ name: 'DEVICE_DELETED', data: deviceData(identity) });
  }
}

/** What to tell of the end of the backend that labels take from the guest, if anything. @throws MachineError if it looks like data */
function hiddenTail(label: string, backend: BackendDescription, layout: NvdimmLayout, options: NvdimmSettings): string | undefined {
  const { id, size, was } = backend;
  const tail = inspectHiddenTail(backend, size, layout);
  if (tail.kind === 'labels' || layout.labelSize === 0) return undefined;
  if (tail.kind === 'data' && !options['hide-data']) {
    const { code, property, message } = hiddenDataError(id, size, layout, tail.offset);
    throw new MachineError(code, property, `device '${label}': ${message}, with hide-data=on`);
  }
  // A file that is new, or that nobody has written to, was never seen without labels.
  const used = was === 'there' && !dataExtents(backend.fd, backend.offset, backend.offset + size).next().done;
  if (tail.kind === 'blank' && !used) return undefined;
  const what = `the last ${size - layout.pmemSize} bytes of memory backend '${id}'`;
  return `device '${label}': ${what} hold labels now; a guest that has used it without label-size no longer sees them`;
}

/** Does something with what a device's properties say of the module. @throws MachineError */
function ofDevice<T>(label: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof NvdimmError)) throw error;
    throw new MachineError(error.code, error.property, `device '${label}': ${error.message}`, { cause: error });
  }
}
