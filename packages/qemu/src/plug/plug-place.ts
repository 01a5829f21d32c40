import { MachineError, type MachineErrorCode } from '@vpmem/machine';
import { formatSize } from '@vpmem/options';
import { hasRoom } from './address-room.ts';
import { powerOfTwo } from '../command-line/hot-plug-room.ts';
import type { PlugBus, PlugBuses } from './plug-bus.ts';

/** A device that wants a place. */
export interface PlugRequest {
  readonly id: string;
  /** Bytes of memory. */
  readonly size: number;
  /** As given. */
  readonly bus: string | undefined;
  readonly addr: string | undefined;
}

const SLOTS = 32;

/**
 * The bus to plug a device into: the one asked for, if it has a place, else one that has; undefined if that is the main one,
 * or one only QEMU knows.
 *
 * @throws MachineError `bus-…` that says what is in the way and what would do
 */
export function choosePlace({ family, buses }: PlugBuses, request: PlugRequest): string | undefined {
  const slot = checkAddress(request);
  if (request.bus !== undefined) {
    const named = buses.find(({ name }) => name === request.bus);
    const problem = named === undefined ? undefined : whyNot(named, request, slot);
    if (problem === undefined) return request.bus;
    const other = buses.find((bus) => whyNot(bus, request, bus.kind === 'port' ? 0 : undefined) === undefined);
    throw noPlace(problem.code, request, `${problem.text}; ${other === undefined ? advice(family, request) : `bus=${other.name} has a place for it`}`);
  }
  // An address without a bus is one on the main bus, as in QEMU.
  const candidates = buses.filter(({ hotplug, kind }) => kind === 'port' || (hotplug && (slot === undefined || kind === 'root')));
  // The main bus first, then the one with the least room that will do.
  const free = candidates.filter((bus) => whyNot(bus, request, slot) === undefined).sort((a, b) => rank(a) - rank(b))[0];
  if (free !== undefined) return free.kind === 'root' ? undefined : free.name;
  const reasons = candidates.map((bus) => whyNot(bus, request, slot)?.text).join('; ');
  const rule = family === 'q35' ? 'a q35 takes devices while it runs only behind root ports, one each' : 'no bus has a place for it';
  throw noPlace('bus-full', request, `${rule}${reasons === '' ? '' : `: ${reasons}`}; ${advice(family, request)}`);
}

interface Obstacle {
  readonly code: MachineErrorCode;
  readonly text: string;
}

/** What keeps a device from a bus. */
function whyNot({ name, kind, hotplug, functions, windows }: PlugBus, { size }: PlugRequest, slot: number | undefined): Obstacle | undefined {
  const bar = powerOfTwo(size);
  if (!hotplug) return { code: 'bus-no-hotplug', text: `bus '${name}' takes no devices while the VM runs` };
  if (kind === 'port' && functions.length > 0) return { code: 'bus-slot', text: `root port '${name}' has a device already${named(functions[0]?.id)}` };
  if (kind === 'port' && (slot ?? 0) !== 0) return { code: 'bus-slot', text: `root port '${name}' has slot 0 only, not ${slot ?? 0}` };
  const there = slot === undefined ? undefined : functions.find((fn) => fn.slot === slot);
  if (there !== undefined) return { code: 'bus-slot', text: `slot ${there.slot} of bus '${name}' is taken${named(there.id)}` };
  if (new Set(functions.map((fn) => fn.slot)).size >= SLOTS) return { code: 'bus-full', text: `bus '${name}' has no free slot` };
  if (windows === undefined || hasRoom(windows, functions, BigInt(bar))) return undefined;
  const most = Math.max(0, ...windows.map(({ base, limit }) => Number(limit - base) + 1));
  return { code: 'bus-full', text: `bus '${name}' has no ${formatSize(bar)} of address space free in one aligned piece (of ${formatSize(most)})` };
}

function named(id: string | undefined): string {
  return id === undefined ? '' : ` ('${id}')`;
}

/** Address space of a bus; the main one comes first. */
function rank({ kind, windows }: PlugBus): number {
  if (kind === 'root') return -1;
  return windows === undefined ? 0 : Math.max(0, ...windows.map(({ base, limit }) => Number(limit - base)));
}

function advice(family: PlugBuses['family'], { size }: PlugRequest): string {
  const bar = formatSize(powerOfTwo(size));
  if (family === 'q35') return `start the VM with vpmem qemu --root-ports N,pref64-reserve=${bar} (or more) for N devices`;
  return `start the VM with -device pci-bridge,id=bridge,chassis_nr=1,pref64-reserve=SIZE, a power of two of at least 16G, and twice the ${bar} it needs`;
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

function noPlace(code: MachineErrorCode, { id }: PlugRequest, text: string, property = 'bus'): MachineError {
  return new MachineError(code, property, `device '${id}': ${text}`);
}
