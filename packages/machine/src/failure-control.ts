import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import type { BackendDescription } from '@vpmem/memory-backend';
import { MAX_SEED, type CutPhase, type FaultKind, type FlushFault, type Granularity, type PowerCutOptions, type PowerCutReport, type Survivors } from '@vpmem/simulated-medium';
import type { VirtioPmemPciOptions } from './properties/device-properties.ts';
import type { FlushLimitRequest } from './properties/flush-limit.ts';
import { MachineError } from './machine-error.ts';

/** A power cut as a monitor asks for it. */
export interface PowerCutRequest {
  /** Which of the bytes that are not durable are left. Default `none`. */
  readonly survivors?: Survivors | undefined;
  /** What survives or does not as one. Default `page`. */
  readonly granularity?: Granularity | undefined;
  /** Decides for `random`, and how far a flush had come. Default: any. */
  readonly seed?: number | undefined;
  /** Leave the guest its power, and make a file of what would be left. */
  readonly image?: string | undefined;
  /** Not now, but at a flush: 1 is the next. */
  readonly atFlush?: number | undefined;
  /** Where in that flush. Default `before`. */
  readonly phase?: CutPhase | undefined;
}

/** A fault as a monitor asks for it; `none` takes back what was to come. */
export interface FlushFaultRequest {
  readonly fault: FaultKind | 'none';
  /** Default 1: the next. */
  readonly atFlush?: number | undefined;
  /** From then on, not only then. Default false. */
  readonly lasting?: boolean | undefined;
  /** Of a delay. */
  readonly milliseconds?: number | undefined;
}

/** What can be made to go wrong with the pmem devices of a machine, or slowly. A device is named by its id or QOM path. */
export interface FailureControl {
  /** Cuts a device off from its power; undefined if that is still to come. @throws MachineError */
  powerCut(device: string, request: PowerCutRequest): Promise<PowerCutReport | undefined>;
  /** @throws MachineError */
  flushFault(device: string, request: FlushFaultRequest): Promise<void>;
  /** How often a guest can make the host sync. @throws MachineError */
  flushLimit(device: string, request: FlushLimitRequest): Promise<void>;
}

/** A power cut with everything decided. */
export interface PowerCutOrder {
  readonly options: PowerCutOptions;
  readonly at: { readonly atFlush: number; readonly phase: CutPhase } | undefined;
}

/** The longest that a flush can be held back: a day, in milliseconds. */
const MAX_DELAY = 86_400_000;

/** @throws MachineError for what there cannot be */
export function powerCutOrder(label: string, backend: BackendDescription, request: PowerCutRequest): PowerCutOrder {
  const { survivors = 'none', granularity = 'page', seed = randomInt(MAX_SEED + 1), image, atFlush, phase } = request;
  if (backend.medium === undefined) {
    throw new MachineError(
      'not-supported',
      'power-failure',
      `device '${label}': memory backend '${backend.id}' does not keep apart what is durable, so there is nothing to lose; make it with power-failure=on`,
    );
  }
  inRange('seed', seed, 0, MAX_SEED);
  if (atFlush !== undefined) inRange('at-flush', atFlush, 1, Number.MAX_SAFE_INTEGER);
  if (phase !== undefined && atFlush === undefined) {
    throw new MachineError('bad-value', 'phase', `phase=${phase} is a place in a flush; say which with at-flush, 1 being the next`);
  }
  const options = { survivors, granularity, seed, ...(image !== undefined && { image: resolve(image) }) };
  return { options, at: atFlush === undefined ? undefined : { atFlush, phase: phase ?? 'before' } };
}

/** Undefined takes back what was to come. @throws MachineError for what there cannot be */
export function flushFault({ fault, atFlush = 1, lasting = false, milliseconds }: FlushFaultRequest): FlushFault | undefined {
  inRange('at-flush', atFlush, 1, Number.MAX_SAFE_INTEGER);
  if (fault === 'none') return undefined;
  if (fault !== 'delay' && milliseconds !== undefined) throw new MachineError('bad-value', 'ms', `ms is for fault=delay, not for fault=${fault}`);
  if (fault === 'delay' && milliseconds === undefined) throw new MachineError('bad-value', 'ms', 'fault=delay takes ms: for how long a flush is held back, in milliseconds');
  if (milliseconds !== undefined) inRange('ms', milliseconds, 0, MAX_DELAY);
  return { kind: fault, atFlush, lasting, delay: milliseconds ?? 0 };
}

type FaultProperties = Pick<VirtioPmemPciOptions, 'flush-fault' | 'flush-fault-at' | 'flush-fault-lasting' | 'flush-fault-ms'>;

/** What the properties of a device plan. @throws MachineError for what there cannot be */
export function plannedFault(options: FaultProperties): FlushFault | undefined {
  const { 'flush-fault': fault, 'flush-fault-at': atFlush, 'flush-fault-lasting': lasting, 'flush-fault-ms': milliseconds } = options;
  if (fault !== undefined) return flushFault({ fault, atFlush, lasting, milliseconds });
  const [alone] = Object.entries({ 'flush-fault-at': atFlush, 'flush-fault-lasting': lasting, 'flush-fault-ms': milliseconds }).filter(([, value]) => value !== undefined);
  if (alone !== undefined) throw new MachineError('bad-value', alone[0], `${alone[0]} is about a flush-fault; say which with flush-fault=error, delay or hang`);
  return undefined;
}

function inRange(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new MachineError('bad-value', name, `${name}=${value} is not an integer from ${min} to ${max}`);
}
