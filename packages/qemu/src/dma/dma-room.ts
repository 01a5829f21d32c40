import type { Properties } from '@vpmem/options';
import type { CommandLineItem } from '../command-line/command-line.ts';
import { propertiesOf, withProperty } from '../command-line/item-properties.ts';
import { deviceUses, networkBackend, type DeviceUse, type NetworkBackend } from './device-use.ts';
import { bounceProperties, dmaManner, plainProperties, PLUGGED_LATER } from './dma-manner.ts';
import { dmaProblem, hindrance, losesReads } from './dma-settings.ts';

/** What a command line needs so that its other devices reach the range of ours. */
export interface DmaRoom {
  /** For its beginning: what the line says itself comes later, and stands. */
  readonly args: readonly string[];
  /** Of devices that will not reach it, a line each. */
  readonly warnings: readonly string[];
  /** An item, changed where a device has to be excepted. */
  fit(item: CommandLineItem): CommandLineItem;
}

const NOTHING: DmaRoom = { args: [], warnings: [], fit: (item) => item };

/** @param hotPlug whether more devices may come while it runs */
export function dmaRoom(items: readonly CommandLineItem[], { hotPlug }: { readonly hotPlug: boolean }): DmaRoom {
  const uses = deviceUses(items);
  // Behind one, all DMA would be translated that was not before.
  if (uses.some(({ driver }) => IOMMUS.includes(driver))) return NOTHING;
  const backends = items.flatMap((item) => networkBackend(item) ?? []);
  const globals = items.flatMap(userGlobal);
  const warnings = new Map<string, string>();
  const excepted = new Map<CommandLineItem, DeviceUse>();
  const types = new Set<string>(hotPlug ? PLUGGED_LATER : []);
  const warn = ({ option = '', argument = '', words: [word = `-${option}`] }: CommandLineItem, problem: string): void => {
    if (!warnings.has(problem)) warnings.set(problem, `${word} ${argument}: ${problem}`);
  };

  for (const use of uses) {
    const manner = dmaManner(use.driver);
    const { plain, problem } = judge(use, backendOf(use, backends));
    if (problem !== undefined) warn(use.item, problem);
    if (manner !== 'bounced') continue;
    types.add(use.driver);
    if (plain) excepted.set(use.item, use);
  }
  for (const item of items) {
    if (networkBackend(item)?.outside === true) warn(item, dmaProblem('outside'));
  }
  for (const type of types) {
    const theirs = globals.filter(({ driver }) => familyOf(type).includes(driver));
    const set = hindrance(Object.assign({}, ...theirs.map(({ properties }) => properties)) as Properties);
    if (set !== undefined) for (const { item } of theirs.slice(-1)) warn(item, dmaProblem('bounced', set));
    // A device without an option of its own cannot be excepted.
    const implied = uses.some((use) => use.driver === type && !use.explicit && judge(use, backendOf(use, backends)).plain);
    if (set !== undefined || implied) types.delete(type);
  }
  return {
    args: [...types].flatMap((type) => Object.entries(bounceProperties(type)).flatMap(([name, value]) => ['-global', `${type}.${name}=${value}`])),
    warnings: [...warnings.values()],
    fit: (item) => {
      const use = excepted.get(item);
      return use?.explicit === true && types.has(use.driver) ? withProperties(item, plainProperties(use.driver, use.properties)) : item;
    },
  };
}

const IOMMUS = ['intel-iommu', 'amd-iommu', 'virtio-iommu-pci'];

/** What is wrong with a device that is asked for, and whether it is to be without what the others of its type get. */
function judge({ driver, properties }: DeviceUse, backend: NetworkBackend | undefined): { readonly plain: boolean; readonly problem?: string } {
  const manner = dmaManner(driver);
  if (manner === undefined) return { plain: false };
  if (manner !== 'bounced') return { plain: false, problem: dmaProblem(manner, { lossy: losesReads(properties) }) };
  // The host's kernel has the mapping itself; whether it may translate addresses is left as it was.
  if (backend?.vhost === true) return { plain: true };
  const set = hindrance(properties);
  return set === undefined ? { plain: false } : { plain: set.plain, problem: dmaProblem(manner, set) };
}

function backendOf({ item, driver, properties, explicit }: DeviceUse, backends: readonly NetworkBackend[]): NetworkBackend | undefined {
  if (driver !== 'virtio-net-pci') return undefined;
  if (explicit) return backends.find(({ id }) => id !== undefined && id === properties.netdev);
  return item.option === 'nic' ? networkBackend(item) : backends.find(({ vhost }) => vhost);
}

/** `-global DRIVER.PROPERTY=VALUE`, also in its long form. */
function userGlobal(item: CommandLineItem): { readonly item: CommandLineItem; readonly driver: string; readonly properties: Properties }[] {
  if (item.option !== 'global') return [];
  const short = /^([^.=,]+)\.([^=]+)=(.*)$/.exec(item.argument ?? '');
  if (short !== null) return [{ item, driver: short[1] ?? '', properties: { [short[2] ?? '']: short[3] ?? '' } }];
  const { driver, property, value } = propertiesOf(item.argument ?? '', 'qemuopts', 'driver');
  return typeof driver === 'string' && typeof property === 'string' && value !== undefined ? [{ item, driver, properties: { [property]: value } }] : [];
}

/** Names by which a `-global` reaches a type: its own, that of the device on its virtio bus, and those of what they are. */
function familyOf(type: string): string[] {
  return [type, type.replace(/-pci(-non-transitional)?$/, '-device'), 'virtio-pci', 'virtio-device', 'pci-device', 'device'];
}

function withProperties(item: CommandLineItem, properties: Readonly<Record<string, string>>): CommandLineItem {
  const inJson = item.argument?.startsWith('{') === true;
  return Object.entries(properties).reduce((changed, [name, value]) => withProperty(changed, name, inJson && value === 'off' ? false : value), item);
}
