import type { MemoryRegionInfo } from '@vpmem/machine';

interface AddressSpace {
  readonly name: string;
  readonly root: MemoryRegionInfo;
}

/** `info mtree` in QEMU's layout. */
export function showMtree(spaces: readonly AddressSpace[]): string[] {
  return spaces.flatMap(({ name, root }) => [`address-space: ${name}`, ...showRegion(root, '  '), '']);
}

/** `info mtree -f`: what an access really reaches. */
export function showFlatViews(spaces: readonly AddressSpace[]): string[] {
  return spaces.flatMap(({ name, root }, index) => {
    const reached = flatten(root);
    return [
      `FlatView #${index}`,
      ` AS "${name}", root: ${root.name}`,
      ` Root memory region: ${root.name}`,
      ...(reached.length === 0 ? ['  No rendered FlatView'] : reached.map((region) => `  ${line(region)}`)),
      '',
    ];
  });
}

function showRegion(region: MemoryRegionInfo, indent: string): string[] {
  return [`${indent}${line(region)}`, ...region.children.flatMap((child) => showRegion(child, `${indent}  `))];
}

/** What has no children is there itself; a container is only what is in it. */
function flatten(region: MemoryRegionInfo): MemoryRegionInfo[] {
  if (region.children.length > 0) return region.children.flatMap(flatten).sort((a, b) => (a.start < b.start ? -1 : 1));
  return region.type === 'container' || region.size === 0n ? [] : [region];
}

function line({ name, start, size, type }: MemoryRegionInfo): string {
  const last = size === 0n ? start : start + size - 1n;
  return `${hex16(start)}-${hex16(last)} (prio 0, ${type}): ${name}`;
}

function hex16(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
