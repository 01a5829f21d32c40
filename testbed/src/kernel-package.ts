/** The kernels a guest can have, by the first part of their version. */
export const KERNELS = ['6.1', '6.12', '7.2'] as const;
/** The series of a kernel. */
export type KernelName = (typeof KERNELS)[number];

/** The packages of the newest cloud kernel of a series, or none if there is no such kernel. */
export function chooseKernelPackages(series: string, names: Iterable<string>): string[] {
  const all = new Set(names);
  const pattern = /^linux-image-(\d+\.\d+\.\d+\S*)-cloud-amd64$/;
  const newest = [...all]
    .map((name) => pattern.exec(name)?.[1])
    .filter((version) => version !== undefined && (version.startsWith(`${series}.`) || version === series))
    .sort((a = '', b = '') => compareVersions(a, b))
    .at(-1);
  if (newest === undefined) return [];
  // From 7.2 on the image is split: linux-image only names the packages that have the binary, the modules and the rest.
  return ['image', 'binary', 'modules', 'base'].map((part) => `linux-${part}-${newest}-cloud-amd64`).filter((name) => all.has(name));
}

/** Orders versions by their numbers, as `6.1.0-9` before `6.1.0-50`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => (version.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
