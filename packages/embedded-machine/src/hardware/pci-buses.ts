import type { GuestMachine, PciLocation } from '@vpmem/guest';
import { MachineError } from '@vpmem/machine';
import { BridgeHeader, BRIDGE_WINDOW_UNIT, type PciBus, type RootPort } from '@vpmem/pci';
import type { MachineFamily } from '../machine-properties.ts';
import { parsePciAddress } from './pci-address.ts';

/** What the guest keeps behind a port that does not say, in bytes. */
const DEFAULT_RESERVE = 2 * 2 ** 20;

/** A bus that devices can be plugged into, by its name. */
export interface NamedBus {
  readonly name: string;
  readonly bus: PciBus;
  /** The port that leads to it; undefined for the root bus. */
  readonly port: PortBehind | undefined;
}

interface PortBehind {
  readonly port: RootPort;
  /** Its slot on the root bus. */
  readonly slot: number;
  readonly hotplug: boolean;
  /** Bytes for 64-bit prefetchable BARs. */
  readonly reserve: number;
}

/** A device looking for a place. */
export interface PlugRequest {
  readonly label: string;
  readonly bus: string | undefined;
  readonly addr: string | undefined;
  /** Whether the machine runs already. */
  readonly hot: boolean;
  /** Bytes of prefetchable 64-bit BARs, for which a port has to have room. */
  readonly prefetchable: number;
  /** A bridge goes into the root bus only. */
  readonly bridge: boolean;
}

/** Where a device goes. */
export interface PlugPlace {
  readonly on: NamedBus;
  readonly slot: number;
  readonly location: PciLocation;
}

/** The buses of a machine, and which device may go where, as in QEMU. */
export class PciBuses {
  readonly root: NamedBus;
  readonly #family: MachineFamily;
  readonly #behind = new Map<string, NamedBus>();
  #unnamed = 0;

  constructor(family: MachineFamily, hardware: GuestMachine) {
    this.#family = family;
    this.root = { name: family === 'pc' ? 'pci.0' : 'pcie.0', bus: hardware.bus, port: undefined };
  }

  /** The root bus, then those behind ports. */
  get all(): readonly NamedBus[] {
    return [this.root, ...this.#behind.values()];
  }

  /** A port has been plugged in; `id` is its bus's name too. Returns the name. */
  addPort(id: string | undefined, behind: PortBehind): string {
    const name = id ?? `pcie.${++this.#unnamed}`;
    this.#behind.set(name, { name, bus: behind.port.bus, port: behind });
    return name;
  }

  /** Whether devices may come and go on a bus while the machine runs: on pc those of the root bus, on q35 those behind ports. */
  takesHotplug({ port }: NamedBus): boolean {
    return port === undefined ? this.#family === 'pc' : port.hotplug;
  }

  /** @throws MachineError that names what there is */
  choose(request: PlugRequest): PlugPlace {
    const { label } = request;
    const on = this.#busFor(request);
    if (request.hot) this.#checkHotplug(on, request);
    const wish = request.addr === undefined ? undefined : parsePciAddress(label, request.addr);
    const slot = wish ?? on.bus.freeSlot();
    if (slot === undefined) throw this.#full(on, request);
    if (slot >= on.bus.slotCount) {
      throw new MachineError('bus-slot', 'addr', `device '${label}': bus '${on.name}' is behind a port and has slot 0 only; leave addr=${request.addr ?? ''} out`);
    }
    if (on.bus.at(slot) !== undefined) {
      if (on.port !== undefined) throw this.#full(on, request);
      const free = on.bus.freeSlot();
      const instead = free === undefined ? 'and no other is free' : `the lowest free one is addr=${free.toString(16)}`;
      throw new MachineError('bus-slot', 'addr', `device '${label}': slot ${slot.toString(16)} of bus '${on.name}' is in use; ${instead}`);
    }
    return { on, slot, location: { port: on.port?.slot, slot } };
  }

  #busFor({ label, bus: name, bridge }: PlugRequest): NamedBus {
    if (bridge && this.#family === 'pc') {
      throw new MachineError('not-supported', 'driver', `device '${label}': a pcie-root-port goes into a PCI Express bus, which machine pc does not have; use -machine q35`);
    }
    if (name === undefined || name === this.root.name) return this.root;
    const behind = this.#behind.get(name);
    if (behind === undefined) {
      throw new MachineError('bus-missing', 'bus', `device '${label}': there is no bus '${name}'; there is ${this.all.map((each) => `'${each.name}'`).join(', ')}`);
    }
    if (bridge) throw new MachineError('bus-slot', 'bus', `device '${label}': a pcie-root-port goes into bus '${this.root.name}', not behind another port`);
    return behind;
  }

  #checkHotplug(on: NamedBus, request: PlugRequest): void {
    const { label, bridge, prefetchable } = request;
    if (on.port === undefined) {
      if (this.takesHotplug(on)) return;
      const advice = bridge ? 'ports have to be there from the start' : this.#portAdvice(request);
      throw new MachineError('bus-no-hotplug', 'bus', `device '${label}': bus '${on.name}' takes no device while the machine runs; ${advice}`);
    }
    if (!this.takesHotplug(on)) {
      throw new MachineError('bus-no-hotplug', 'bus', `device '${label}': bus '${on.name}' has hotplug=off and takes no device while the machine runs; ${this.#portAdvice(request)}`);
    }
    const room = roomBehind(on.port);
    if (prefetchable > room) {
      throw new MachineError(
        'bus-no-hotplug',
        'bus',
        `device '${label}': its memory needs ${prefetchable} bytes behind port '${on.name}', which keeps ${room} free; ${this.#portAdvice(request)}`,
      );
    }
  }

  #full(on: NamedBus, request: PlugRequest): MachineError {
    const { label } = request;
    if (on.port === undefined) return new MachineError('bus-full', 'bus', `device '${label}': all ${on.bus.slotCount} slots of bus '${on.name}' are in use`);
    return new MachineError('bus-full', 'bus', `device '${label}': the one slot of bus '${on.name}' is in use; ${this.#portAdvice(request)}`);
  }

  /** Names a port to use, or says how to have one. */
  #portAdvice({ prefetchable, hot }: PlugRequest): string {
    const free = [...this.#behind.values()].filter(({ bus, port }) => port !== undefined && bus.freeSlot() !== undefined && (port.hotplug || !hot));
    const fits = free.find(({ port }) => !hot || (port !== undefined && roomBehind(port) >= prefetchable));
    if (fits !== undefined) return `port '${fits.name}' is free: say bus=${fits.name}`;
    const reserve = prefetchable > DEFAULT_RESERVE ? `,pref64-reserve=${prefetchable}` : '';
    const why = free.length > 0 ? 'no free port keeps enough' : this.#behind.size === 0 ? 'there is no port' : 'no port is free';
    return `${why}: start the machine with one more -device pcie-root-port,id=ID,chassis=N${reserve}`;
  }
}

/** What the guest keeps for prefetchable BARs: what it has set up, or what it will. */
function roomBehind({ port, reserve }: PortBehind): number {
  const { secondary } = port.bridge;
  if (secondary === 0) return Math.max(reserve, DEFAULT_RESERVE);
  const { prefetchable_memory_base, prefetchable_memory_limit, prefetchable_base_upper, prefetchable_limit_upper } = BridgeHeader.fields;
  const register = (low: { offset: number }, high: { offset: number }): number =>
    port.readConfig(high.offset, 4) * 2 ** 32 + (port.readConfig(low.offset, 2) & 0xfff0) * 2 ** 16;
  const base = register(prefetchable_memory_base, prefetchable_base_upper);
  return register(prefetchable_memory_limit, prefetchable_limit_upper) + BRIDGE_WINDOW_UNIT - base;
}
