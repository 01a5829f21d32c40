/** Values as QEMU's `info qtree` writes them. */
export const qtreeText = {
  /** `3 (0x3)` */
  int: (value: number | bigint): string => `${value} (0x${value.toString(16)})`,
  /** `1073741824 (1 GiB)` */
  size: (bytes: number): string => `${bytes} (${roundedSize(bytes)})`,
  string: (value: string): string => JSON.stringify(value),
  bool: (value: boolean): string => String(value),
  /** Slot and function. */
  address: (slot: number): string => `${slot.toString(16).padStart(2, '0')}.0`,
} as const;

/** Three digits of a size, with the unit that leaves at least one before the point. */
function roundedSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes === 0 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power] ?? ''}`;
}
