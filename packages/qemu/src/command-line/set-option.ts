import type { CommandLineItem } from './command-line.ts';
import { propertiesOf, withProperty } from './item-properties.ts';

/** `GROUP.ID.PROPERTY=VALUE`, as QEMU takes it apart. */
const SET = /^(?<group>[^.]{1,63})\.(?<id>[^.]{1,63})\.(?<name>[^=]{1,63})=(?<value>.*)$/s;

/**
 * Gives `-set device.ID.PROPERTY=VALUE` to the device that it is about, where that comes before it and is of this type; others, and
 * those that are about nothing, are QEMU's. What JSON says cannot be set, in QEMU neither.
 */
export function applySetOptions(items: readonly CommandLineItem[], type: string): CommandLineItem[] {
  const concerns = (item: CommandLineItem, changed: CommandLineItem): boolean => [item, changed].some((each) => each.option === 'device' && driverOf(each) === type);
  const result = items.map((item, position) => setsOf(items, item, position).reduce((changed, { name, value }) => withProperty(changed, name, value), item));
  const applied = new Set(
    items.flatMap((item, position) => {
      const before = setsOf(items, item, position);
      return concerns(item, result[position] ?? item) ? before.map(({ set }) => set) : [];
    }),
  );
  return result.flatMap((changed, position) => {
    const item = items[position] ?? changed;
    if (applied.has(item)) return [];
    return concerns(item, changed) ? [changed] : [item];
  });
}

function setsOf(items: readonly CommandLineItem[], device: CommandLineItem, position: number): { set: CommandLineItem; name: string; value: string }[] {
  if (device.option !== 'device' || device.argument === undefined || device.argument.startsWith('{')) return [];
  const { id } = propertiesOf(device.argument, 'qemuopts', 'driver');
  return items.slice(position + 1).flatMap((set) => {
    const given = set.option === 'set' ? SET.exec(set.argument ?? '')?.groups : undefined;
    if (given?.group !== 'device' || given.id !== id) return [];
    return [{ set, name: given.name ?? '', value: given.value ?? '' }];
  });
}

function driverOf({ argument = '' }: CommandLineItem): unknown {
  return propertiesOf(argument, 'qemuopts', 'driver').driver;
}
