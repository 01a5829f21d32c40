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

/** `info memdev` in QEMU's layout. Its pages are never merged, and dumped by whoever maps them. */
export function showMemdevs(backends: readonly BackendInfo[]): string[] {
  const shown = backends.flatMap(({ id, size, prealloc, share, reserve, policy, hostNodes }) => [
    `memory backend: ${id}`,
    `  size:  ${size}`,
    '  merge: false',
    '  dump: false',
    `  prealloc: ${prealloc}`,
    `  share: ${share}`,
    `  reserve: ${reserve}`,
    `  policy: ${policy}`,
    `  host nodes: ${ranges(hostNodes)}`,
  ]);
  return [...shown, ''];
}

/** `info memory_size_summary` in QEMU's layout. */
export function showMemorySize({ base, plugged }: MemorySize): string[] {
  return [`base memory: ${base}`, ...(plugged === undefined ? [] : [`plugged memory: ${plugged}`])];
}

/** `0-2,5`, as QEMU writes lists of numbers. */
function ranges(numbers: readonly number[]): string {
  const found: { first: number; last: number }[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const open = found.at(-1);
    if (open?.last === number - 1) open.last = number;
    else found.push({ first: number, last: number });
  }
  return found.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
