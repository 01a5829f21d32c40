import type { Properties } from '@vpmem/options';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';

/** Devices whose memory a guest takes for RAM, as device_add names them. */
const RAM_DRIVERS = ['pc-dimm', 'virtio-mem-pci', 'virtio-mem'];

/**
 * Looks at a device that is to be plugged in at any monitor, or has just been. QEMU says nothing of private RAM to a device
 * outside it, so a flush whose request lies there would never be answered.
 *
 * @param properties of device_add
 * @returns a line to warn with; undefined for RAM that is shared, and for any other device
 */
export async function checkPluggedRam(qemu: QemuMonitor, { driver, id, memdev }: Properties): Promise<string | undefined> {
  if (typeof driver !== 'string' || !RAM_DRIVERS.includes(driver) || typeof memdev !== 'string') return undefined;
  const name = memdev.replace(/^\/objects\//, '');
  const memdevs = await ask<readonly { readonly id?: string; readonly share: boolean }[]>(qemu, 'query-memdev');
  if (memdevs.find((each) => each.id === name)?.share !== false) return undefined;
  const device = `${driver}${typeof id === 'string' ? ` '${id}'` : ''}`;
  return `the RAM of ${device} ('${name}') is private, and a persistent memory device sees only RAM that is shared: once the guest uses it, a flush may never end; unplug it and give memory backend '${name}' share=on`;
}
