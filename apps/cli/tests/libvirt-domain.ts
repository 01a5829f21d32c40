import type { GuestImage } from '@vpmem/testbed';

/** What differs between the domains of the tests. */
export interface DomainOptions {
  readonly name: string;
  readonly machine: 'pc' | 'q35';
  readonly emulator: string;
  readonly image: GuestImage;
  /** Path of the socket at which the guest takes commands. */
  readonly agent: string;
  /** Path and MiB of what its persistent memory is. */
  readonly pmem: readonly (readonly [path: string, size: number])[];
}

/** Persistent memory as libvirt calls it. */
export function pmemXml(path: string, size: number): string {
  return `<memory model='virtio-pmem' access='shared'><source><path>${path}</path></source><target><size unit='MiB'>${size}</size></target></memory>`;
}

/** What libvirt has no words of its own for: address space behind the root ports that it makes, for what is plugged in. */
const ROOM_BEHIND_PORTS = "<qemu:commandline><qemu:arg value='-global'/><qemu:arg value='pcie-root-port.pref64-reserve=4G'/></qemu:commandline>";

/** A domain as its owner would have it: nothing in it is ours but the emulator. */
export function domainXml({ name, machine, emulator, image, agent, pmem }: DomainOptions): string {
  return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <maxMemory slots='4' unit='MiB'>4096</maxMemory>
  <memory unit='MiB'>512</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>1</vcpu>
  <cpu><numa><cell id='0' cpus='0' memory='512' unit='MiB'/></numa></cpu>
  <os>
    <type arch='x86_64' machine='${machine}'>hvm</type>
    <kernel>${image.kernel}</kernel>
    <initrd>${image.initramfs}</initrd>
    <cmdline>${image.append}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>${emulator}</emulator>
    <serial type='file'><source path='${agent}-console'/><target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='${agent}'/><target port='1'/></serial>
    <memballoon model='none'/>
    ${pmem.map(([path, size]) => pmemXml(path, size)).join('\n    ')}
  </devices>
  ${machine === 'q35' ? ROOM_BEHIND_PORTS : ''}
</domain>
`;
}
