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

/** What has no children is there itself; a container is only what is in it, and an alias what it shows. */
function flatten(region: MemoryRegionInfo): MemoryRegionInfo[] {
  if (region.alias !== undefined) return [{ name: region.alias, start: region.start, size: region.size, type: region.type, children: [] }];
  if (region.children.length > 0) return region.children.flatMap(flatten).sort((a, b) => (a.start < b.start ? -1 : 1));
  return region.type === 'container' || region.size === 0n ? [] : [region];
}

function line({ name, start, size, type, alias }: MemoryRegionInfo): string {
  const shown = alias === undefined ? name : `alias ${name} @${alias} ${range(0n, size)}`;
  return `${range(start, size)} (prio 0, ${type}): ${shown}`;
}

function range(start: bigint, size: bigint): string {
  return `${hex16(start)}-${hex16(size === 0n ? start : start + size - 1n)}`;
}

function hex16(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
