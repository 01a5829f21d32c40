import type { PropertySource } from '@vpmem/options';
import { isIncomplete, splitCommandLine, type CommandLineItem } from './command-line.ts';
import { helpAsked } from './device-help.ts';
import { globalProperties, type GlobalProperty } from './global-option.ts';
import { shareRam, type SharedRam } from './guest-ram.ts';
import { hotPlugRoom, type RootPorts } from './hot-plug-room.ts';
import { itemsOf } from './item-properties.ts';
import { OUR_DRIVER, takePmemDevices, type TakenOption } from './pmem-devices.ts';
import { readConfigFiles, wordsOf, type KeepFile } from './read-config.ts';
import { applySetOptions } from './set-option.ts';
import { checkServable } from './unservable.ts';
import { checkUserConfig } from './user-config.ts';
import { QemuError } from '../qemu-error.ts';
import { dmaRoom } from '../dma/dma-room.ts';
import { vfioUserDevice, type ServedDevice } from './vfio-user-device.ts';

/** A QEMU command line in which the virtio-pmem devices are to be ours. */
export interface Substitution {
  /** The objects behind those devices. */
  readonly objects: readonly TakenOption[];
  /** The devices, in order, each with an id. */
  readonly devices: readonly TakenOption[];
  /** Memory backends that stay QEMU's; a device of ours may want one later. */
  readonly otherBackends: readonly PropertySource[];
  /** What `-global` says of such devices, those to come included. */
  readonly globals: readonly GlobalProperty[];
  /** What `-name` says. */
  readonly name: string | undefined;
  /** Why no device can be plugged in later, if so. */
  readonly ramProblem: string | undefined;
  /** What the user should know before relying on it. */
  readonly warnings: readonly string[];
  /** Whether QEMU's other devices have room for DMA to the range of ours, those that come later included. */
  readonly dmaRoom: boolean;
  /** What to print instead of running anything: the command line asks for the properties of a virtio-pmem device. */
  readonly help: readonly string[] | undefined;
  /**
   * The arguments for QEMU, given where each device is served, in the order of `devices`.
   *
   * @param keep makes a file in place of one of `-readconfig` that has something of ours in it
   */
  args(served: readonly ServedDevice[], keep: KeepFile): string[];
}

/** What there is beside the command line. */
export interface SubstituteOptions {
  /** The file that QEMU reads by itself; default: see `USER_CONFIG`. */
  readonly userConfig?: string;
  /** Whether devices are to be plugged in while the VM runs, and on which root ports. */
  readonly hotPlug?: { readonly rootPorts?: RootPorts | undefined } | undefined;
  /** Takes the monitors of the line into other hands, so that devices may come by way of them. */
  readonly takeMonitors?: ((items: readonly CommandLineItem[]) => { readonly items: readonly CommandLineItem[]; readonly monitors: readonly unknown[] }) | undefined;
}

/**
 * Finds the virtio-pmem devices of a QEMU command line and the backends behind them, wherever they stand, and makes it one that has room
 * for them. What QEMU will refuse anyway stays as it is, so that it does.
 *
 * @throws QemuError, OptionError
 */
export function substitute(args: readonly string[], { hotPlug, takeMonitors, userConfig }: SubstituteOptions = {}): Substitution {
  const typed = splitCommandLine(args);
  const help = helpAsked(typed);
  if (help.of !== 'nothing' || isIncomplete(typed)) return untouched(args, help.of === 'device' ? help.lines : undefined);

  const configured = applySetOptions(readConfigFiles(typed), OUR_DRIVER);
  const { items, monitors } = takeMonitors?.(configured) ?? { items: configured, monitors: [] };
  const globals = globalProperties(items);
  const { devices, objects } = takePmemDevices(items, globals);
  const use = { now: devices.length > 0, later: hotPlug !== undefined || monitors.length > 0 };
  checkServable(items, use);
  checkUserConfig(typed, use.now || use.later, userConfig);
  const { items: ready, warnings, problem } = guestRam(items, use);
  // A VM that only might get a device, by a monitor of its own, stays as it is.
  const later = hotPlug !== undefined && problem === undefined;
  const dma = use.now || later ? dmaRoom(items, { hotPlug: later }) : undefined;
  const room = hotPlug === undefined ? [] : hotPlugRoom(items, hotPlug.rootPorts);
  const ours = new Set([...objects, ...devices].map(({ item }) => item));

  return {
    objects,
    devices,
    otherBackends: backendsOf(ready.filter((item) => !ours.has(item))),
    globals,
    name: guestName(items),
    ramProblem: problem,
    warnings: [...warnings, ...(dma?.warnings ?? [])],
    dmaRoom: dma !== undefined,
    help: undefined,
    args: (served, keep) => {
      const replacements = new Map(devices.map(({ item }, i) => [item, served[i]]));
      const kept = ready.flatMap((item) => {
        const device = replacements.get(item);
        if (device !== undefined) return [vfioUserItem(device)];
        return ours.has(item) ? [] : [dma?.fit(item) ?? item];
      });
      return [...(dma?.args ?? []), ...wordsOf(kept, keep), ...room];
    },
  };
}

/** QEMU answers it, or we do; nothing runs. */
function untouched(args: readonly string[], help: readonly string[] | undefined): Substitution {
  return { objects: [], devices: [], otherBackends: [], globals: [], name: undefined, ramProblem: undefined, warnings: [], dmaRoom: false, help, args: () => [...args] };
}

function vfioUserItem(device: ServedDevice): CommandLineItem {
  const argument = vfioUserDevice(device);
  return { option: 'device', argument, words: ['-device', argument] };
}

/** RAM has to be shareable for the devices there are; for those that may come, they are refused then. */
function guestRam(items: readonly CommandLineItem[], { now, later }: { now: boolean; later: boolean }): SharedRam & { problem?: string } {
  if (!now && !later) return { items, warnings: [] };
  try {
    return shareRam(items);
  } catch (error) {
    if (now || !(error instanceof QemuError)) throw error;
    return { items, warnings: [], problem: error.message };
  }
}

function backendsOf(items: readonly CommandLineItem[]): PropertySource[] {
  return itemsOf(items, 'object', 'qom-type').flatMap(({ item, properties }) => {
    const { 'qom-type': type } = properties;
    if (typeof type !== 'string' || !type.startsWith('memory-backend-')) return [];
    return [{ form: item.argument?.startsWith('{') === true ? 'json' : 'text', properties }];
  });
}

/** QEMU takes the last one. */
function guestName(items: readonly CommandLineItem[]): string | undefined {
  return itemsOf(items, 'name', 'guest').flatMap(({ properties: { guest } }) => (typeof guest === 'string' ? [guest] : [])).at(-1);
}
