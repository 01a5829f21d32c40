import { MachineError, type MachineErrorCode } from '@vpmem/machine';
import { formatSize } from '@vpmem/options';
import { hasRoom } from './address-room.ts';
import { powerOfTwo } from '../command-line/hot-plug-room.ts';
import { addressAdvice, reserveAdvice } from './place-advice.ts';
import type { PlugBus, PlugBuses } from './plug-bus.ts';

/** A device that wants a place. */
export interface PlugRequest {
  readonly id: string;
  /** Bytes of memory. */
  readonly size: number;
  /** As given. */
  readonly bus: string | undefined;
  readonly addr: string | undefined;
  /** Whether the slot may have other functions already, which a guest finds with function 0. */
  readonly multifunction?: boolean | undefined;
  /** Bytes of memory of the devices that are there. */
  readonly others?: readonly number[];
}

/** For QEMU's `device_add`; without an address it takes the first slot that is free. */
export interface Place {
  readonly bus: string;
  readonly addr?: string;
}

const SLOTS = 32;

/**
 * The place for a device: on the bus that was asked for, if there is one, else on one that has it.
 *
 * @throws MachineError `bus-…` that says what is in the way and what would do
 */
export function choosePlace(plugBuses: PlugBuses, request: PlugRequest): Place {
  const { family, buses } = plugBuses;
  const slot = checkAddress(request);
  checkSize(plugBuses, request);
  const whyNot = (bus: PlugBus, at: number | undefined): Obstacle | undefined => obstacle(plugBuses, bus, request, at);
  if (request.bus !== undefined) {
    const named = buses.find(({ name }) => name === request.bus);
    // What only QEMU knows it judges itself.
    if (named === undefined) return { bus: request.bus };
    const problem = whyNot(named, slot);
    if (problem === undefined) return placeOn(named, request);
    const other = buses.find((bus) => bus.kind !== 'other' && whyNot(bus, bus.kind === 'port' ? 0 : undefined) === undefined);
    throw noPlace(problem.code, request, `${problem.text}; ${other === undefined ? reserveAdvice(plugBuses, request.size) : `bus=${other.name} has a place for it`}`);
  }
  // An address without a bus is one on the main bus, as in QEMU.
  const candidates = buses.filter(({ hotplug, kind }) => kind === 'port' || (kind !== 'other' && hotplug && (slot === undefined || kind === 'root')));
  // The main bus first, then the one with the least room that will do, a port of its own before a slot of a bridge.
  const free = candidates.filter((bus) => whyNot(bus, slot) === undefined).sort((a, b) => rank(a) - rank(b) || Number(b.kind === 'port') - Number(a.kind === 'port'))[0];
  if (free !== undefined) return placeOn(free, request);
  const reasons = candidates.map((bus) => whyNot(bus, slot)?.text).join('; ');
  const rule = family === 'q35' ? 'a q35 takes devices while it runs only behind root ports, one each' : 'no bus has a place for it';
  throw noPlace('bus-full', request, `${rule}${reasons === '' ? '' : `: ${reasons}`}; ${reserveAdvice(plugBuses, request.size)}`);
}

/** Names the slot where QEMU would take one that it then refuses: one without a function 0, but with others. */
function placeOn(bus: PlugBus, { addr }: PlugRequest): Place {
  const free = freeSlot(bus) ?? 0;
  const qemus = slots().find((slot) => !bus.occupants.some((each) => each.slot === slot && each.function === 0));
  return addr !== undefined || free === qemus ? { bus: bus.name } : { bus: bus.name, addr: free.toString(16) };
}

function freeSlot({ firstSlot, occupants }: PlugBus): number | undefined {
  return slots().find((slot) => slot >= firstSlot && !occupants.some((each) => each.slot === slot));
}

function slots(): number[] {
  return Array.from({ length: SLOTS }, (_, slot) => slot);
}

/** No window will hold what the guest cannot address. */
function checkSize({ buses, addressBits, amd }: PlugBuses, { size, others = [], ...request }: PlugRequest): void {
  // Once firmware has run, windows say what others leave.
  const firmwareHasRun = buses.some(({ windows }) => windows !== undefined);
  const sizes = firmwareHasRun ? [size] : [size, ...others];
  const advice = addressAdvice(sizes.map(powerOfTwo), addressBits, amd);
  if (advice !== undefined) throw noPlace('bus-full', request, advice, 'memdev');
}

interface Obstacle {
  readonly code: MachineErrorCode;
  readonly text: string;
}

/** What keeps a device from a bus. */
function obstacle({ amd }: PlugBuses, bus: PlugBus, { size, multifunction }: PlugRequest, slot: number | undefined): Obstacle | undefined {
  const { name, kind, hotplug, firstSlot, occupants, functions, windows, given = [] } = bus;
  const bar = powerOfTwo(size);
  if (!hotplug) return { code: 'bus-no-hotplug', text: `bus '${name}' takes no devices while the VM runs` };
  if (kind === 'port' && (slot ?? 0) !== 0) return { code: 'bus-slot', text: `root port '${name}' has slot 0 only, not ${slot ?? 0}` };
  const inTheWay = occupants.filter((each) => multifunction !== true || slot === undefined || each.function === 0);
  if (kind === 'port' && inTheWay.length > 0) return { code: 'bus-slot', text: `root port '${name}' has a device already${named(inTheWay[0]?.id)}` };
  const there = slot === undefined ? undefined : inTheWay.find((each) => each.slot === slot);
  if (there !== undefined) return { code: 'bus-slot', text: `slot ${there.slot} of bus '${name}' is taken${named(there.id)}` };
  if (slot !== undefined && slot < firstSlot) return { code: 'bus-slot', text: `bus '${name}' takes devices from slot ${firstSlot} on` };
  if (slot === undefined && freeSlot(bus) === undefined) return { code: 'bus-full', text: `bus '${name}' has no free slot` };
  if (windows === undefined || hasRoom(windows, functions, BigInt(bar))) return undefined;
  if (amd && hasRoom(given, functions, BigInt(bar))) {
    return { code: 'bus-full', text: `the address space of bus '${name}' (${formatSize(most(given))}) lies in the last 12G below 1T, of which Linux uses nothing on an AMD processor` };
  }
  return { code: 'bus-full', text: `bus '${name}' has no ${formatSize(bar)} of address space free in one aligned piece (of ${formatSize(most(windows))})` };
}

function named(id: string | undefined): string {
  return id === undefined ? '' : ` ('${id}')`;
}

/** Address space of a bus; the main one comes first. */
function rank({ kind, windows }: PlugBus): number {
  if (kind === 'root') return -1;
  return windows === undefined ? 0 : most(windows);
}

/** Bytes of the biggest piece. */
function most(windows: PlugBus['given']): number {
  return Math.max(0, ...(windows ?? []).map(({ base, limit }) => Number(limit - base) + 1));
}

/** The slot in `SLOT[.FUNCTION]`, hexadecimal as QEMU reads it. */
function checkAddress(request: PlugRequest): number | undefined {
  const { addr } = request;
  if (addr === undefined) return undefined;
  const [, slot, fn] = /^(?:0x)?([\da-f]{1,2})(?:\.(?:0x)?([0-7]))?$/i.exec(addr) ?? [];
  const number = parseInt(slot ?? '', 16);
  if (!(number < SLOTS)) throw noPlace('bus-slot', request, `addr=${addr} is not SLOT[.FUNCTION] in hexadecimal, with slots up to 1f`, 'addr');
  if (fn !== undefined && fn !== '0') throw noPlace('bus-slot', request, `addr=${addr}: a guest looks for new devices at function 0 only; write addr=${slot ?? ''}`, 'addr');
  return number;
}

function noPlace(code: MachineErrorCode, { id }: Pick<PlugRequest, 'id'>, text: string, property = 'bus'): MachineError {
  return new MachineError(code, property, `device '${id}': ${text}`);
}
