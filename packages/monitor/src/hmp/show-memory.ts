import type { BackendInfo, MemoryDeviceInfo, MemorySize } from '@vpmem/machine';

/** `info memory-devices` in QEMU's layout. */
export function showMemoryDevices(devices: readonly MemoryDeviceInfo[]): string[] {
  return devices.flatMap(({ type, id, memaddr, size, memdev, dimm }) => {
    const address = `0x${memaddr.toString(16)}`;
    const tail = [`  size: ${size}`, `  memdev: ${memdev}`];
    const head = `Memory device [${type}]: "${id ?? ''}"`;
    if (dimm === undefined) return [head, `  memaddr: ${address}`, ...tail];
    const { slot, node, hotplugged, hotpluggable } = dimm;
    return [head, `  addr: ${address}`, `  slot: ${slot}`, `  node: ${node}`, ...tail, `  hotplugged: ${hotplugged}`, `  hotpluggable: ${hotpluggable}`];
  });
}

/**
 * `info memdev` in QEMU's layout. Of what it shows beside our own properties nothing is in effect: the pages are the page
 * cache's, which merges none, dumps none and is bound to no NUMA node.
 */
export function showMemdevs(backends: readonly BackendInfo[]): string[] {
  const shown = backends.flatMap(({ id, size, prealloc, share, reserve }) => [
    `memory backend: ${id}`,
    `  size:  ${size}`,
    '  merge: false',
    '  dump: false',
    `  prealloc: ${prealloc}`,
    `  share: ${share}`,
    `  reserve: ${reserve}`,
    '  policy: default',
    '  host nodes: ',
  ]);
  return [...shown, ''];
}

/** `info memory_size_summary` in QEMU's layout. */
export function showMemorySize({ base, plugged }: MemorySize): string[] {
  return [`base memory: ${base}`, ...(plugged === undefined ? [] : [`plugged memory: ${plugged}`])];
}
