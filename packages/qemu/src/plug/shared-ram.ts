import { MachineError } from '@vpmem/machine';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';

interface Memdev {
  readonly id?: string;
  readonly share: boolean;
}
interface MemoryDevice {
  readonly type: string;
  readonly data: { readonly id?: string; readonly memdev?: string };
}

/** Memory devices whose memory Linux takes for RAM. */
const RAM_DEVICES = ['dimm', 'virtio-mem'];
const WHY = 'a device outside QEMU sees guest memory only if it is shared (share=on)';

/** @throws MachineError if some of the guest's RAM is private: the device would be plugged in and not work */
export async function checkSharedRam(qemu: QemuMonitor): Promise<void> {
  const memdevs = await ask<readonly Memdev[]>(qemu, 'query-memdev');
  const isPrivate = (path: string): boolean => memdevs.some(({ id, share }) => path === `/objects/${id ?? ''}` && !share);
  // Empty where NUMA nodes have a backend each; those are on the command line.
  const ram = await ask<string>(qemu, 'qom-get', { path: '/machine', property: 'memory-backend' });
  if (isPrivate(ram)) {
    throw new MachineError('not-supported', undefined, `the VM's RAM ('${ram}') is private, and ${WHY}; start it with -object memory-backend-memfd,id=ram,size=…,share=on -machine memory-backend=ram`);
  }
  const devices = await ask<readonly MemoryDevice[]>(qemu, 'query-memory-devices');
  for (const { type, data } of devices) {
    const { id = 'without an id', memdev = '' } = data;
    if (!RAM_DEVICES.includes(type) || !isPrivate(memdev)) continue;
    throw new MachineError('not-supported', undefined, `the RAM of ${type} '${id}' ('${memdev}') is private, and ${WHY}; give that backend share=on`);
  }
}
