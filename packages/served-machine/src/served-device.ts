import { SavedObject } from '@vpmem/layout';
import type { ClientCounts, FlushFaults as FlushFaultInfo, PowerExposure } from '@vpmem/machine';
import { PmemBacking, type BackingState } from '@vpmem/machine/pmem-backing';
import { promptSyncer, volatileSyncer, witnessedSyncer, type After, type BackendDescription, type MemoryBackend, type RateLimit, type SyncPool, type Syncer } from '@vpmem/memory-backend';
import type { KeptDescriptors } from '@vpmem/descriptor-store';
import { duplicatesOf, type EventLoop, type SaveDescriptor, type TakeDescriptor } from '@vpmem/native';
import type { PowerCutReport, RecordingState } from '@vpmem/simulated-medium';
import { VfioUserServer, type ServerState } from '@vpmem/vfio-user';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import type { ContinuedDevice, DeviceDescription, DeviceStatus } from './device-messages.ts';
import { KeptDevice } from './kept-device.ts';
import type { SavedThreadDevice } from './machine-state.ts';
import { NotificationLimit } from './notification-limit.ts';
import { RemarkLimit } from './remark-limit.ts';
import { TurnoverLimit } from './turnover-limit.ts';

/** What is counted of a device beside its flushes. */
type Counts = { -readonly [K in keyof ClientCounts]: number } & { driverErrors: number };

/** A client has the device. */
export class DeviceBusy extends Error {}

/** Hears of the power of a device. */
export interface PowerListener {
  powerLost(device: ServedDevice): void;
  powerBack(): void;
  /** What came of a cut that had been planned. */
  planned(device: ServedDevice, outcome: PowerCutReport | Error): void;
  recordingFailed(device: ServedDevice, recording: RecordingState): void;
  /** A line that a guest has flushed is to be a mark. */
  mark(text: string, done: () => void): void;
}

/** What a device is made with, beside its description. */
export interface DeviceSurroundings {
  readonly loop: EventLoop;
  readonly pool: SyncPool;
  readonly power: PowerListener;
  /** What outlives this process, if anything does. */
  readonly descriptors: KeptDescriptors | undefined;
  /** What it was in another process, or `kept`, what an earlier one saved before it died; it then waits for {@link ServedDevice.proceed}. */
  readonly continues: ContinuedDevice | 'kept' | undefined;
}

/** A virtio-pmem-pci device from its file to its socket. */
export class ServedDevice {
  readonly id: string;
  /** Whether what its guest flushes is a mark in all recordings. */
  readonly marks: boolean;
  readonly backing: PmemBacking;
  readonly device: VirtioPmem;
  readonly server: VfioUserServer;
  /** What is told of those who use it wrongly. */
  readonly remarks = new RemarkLimit();
  /** What is told of clients that come and go. */
  readonly turnover: TurnoverLimit;
  /** Before those limits. */
  readonly counts: Counts = { connects: 0, refused: 0, remarks: 0, driverErrors: 0 };
  readonly #pci: VirtioPciFunction;
  readonly #kept: KeptDevice | undefined;
  readonly #notifications: NotificationLimit;
  /** Milliseconds. */
  readonly #pollMax: number;

  /** @throws where what it was cannot be made again; its listener is then the caller's still */
  constructor(description: DeviceDescription, { loop, pool, power, descriptors, continues: given }: DeviceSurroundings) {
    const kept = description.kept && descriptors && new KeptDevice(description.kept, descriptors);
    const continues = continuedFrom(given, kept, descriptors);
    this.#kept = kept;
    const { id, backend, vectors, unplug, marks, features, fault, limit, pollMax, listener } = description;
    this.id = id;
    this.marks = marks;
    const after: After = (milliseconds, callback) => loop.after(milliseconds, callback);
    this.turnover = new TurnoverLimit(after);
    this.backing = new PmemBacking({
      description: backend,
      syncer: () => syncerOf(backend, pool, continues !== undefined),
      mark: marks ? (text, done) => power.mark(text, done) : undefined,
      defer: loop.defer,
      after,
      loop,
      ...(continues !== undefined && { continues: continues.saved.backing as BackingState }),
      ...(kept !== undefined && { changed: () => kept.save() }),
      observer: {
        powerLost: () => {
          power.powerLost(this);
          this.server.hold('the power was cut');
        },
        powerBack: () => {
          this.server.resume();
          power.powerBack();
        },
        planned: (outcome) => power.planned(this, outcome),
        recordingFailed: (recording) => power.recordingFailed(this, recording),
      },
    });
    if (continues === undefined) this.backing.faults.plan(fault);
    else this.#goOnCounting(continues.saved.counts);
    this.#notifications = new NotificationLimit(this.backend.flushes, (milliseconds) => this.server.pause(milliseconds));
    this.#pollMax = pollMax;
    this.device = new VirtioPmem(this.backend);
    this.#pci = new VirtioPciFunction(this.device, { vectors, ...features, kept: kept !== undefined, aroundNotification: (serve) => this.#notifications.pass(serve) });
    this.server = new VfioUserServer(this.#pci, listener, loop, {
      keepsMsix: unplug,
      ...(kept !== undefined && { kept }),
      ...(continues !== undefined && { continues: { state: continues.saved.server as ServerState, take: continues.take } }),
    });
    this.limitTo(continues === undefined ? limit : this.backing.throttle.limit);
    if (kept === undefined) return;
    kept.source = (put) => this.save(put);
    if (continues === undefined) kept.save();
  }

  /** Reads nothing more, and finishes what is in flight; `done` is called, possibly at once, when nothing is, or with what is in the way. */
  suspend(done: (obstacle?: string) => void): void {
    this.server.suspend(() => this.backing.hold(done));
  }

  /** All it is, after {@link suspend}. */
  save(put: SaveDescriptor): SavedThreadDevice {
    return { id: this.id, server: this.server.save(put), backing: this.backing.save(), counts: { ...this.counts } };
  }

  /** Has what it is now where the next process finds it, if anything is kept. */
  keep(): void {
    this.#kept?.save();
  }

  /** Goes on after {@link suspend}, or begins with what it was made to continue. */
  proceed(): void {
    this.backing.proceed();
    this.server.proceed();
  }

  get backend(): MemoryBackend {
    return this.backing.memory;
  }

  /** Bounds what its guest can cost the host; undefined takes that back. */
  limitTo(limit: RateLimit | undefined): void {
    this.backing.throttle.limitTo(limit);
    this.#notifications.limitTo(limit);
    // Requests that are looked for cannot be made to wait.
    this.server.pollMax = limit === undefined ? this.#pollMax : 0;
  }

  get #faultStats(): FlushFaultInfo {
    const { limit, ...faults } = this.backing.faultStats;
    return limit === undefined ? faults : { ...faults, limit: { ...limit, notificationsHeldBack: this.#notifications.heldBack } };
  }

  /** A version before 0.1 counted nothing. @throws RangeError */
  #goOnCounting(saved: unknown): void {
    if (saved === undefined) return;
    const counts = new SavedObject(saved, `the saved counts of device '${this.id}'`);
    for (const name of Object.keys(this.counts) as (keyof Counts)[]) this.counts[name] = counts.number(name);
  }

  status(exposure?: PowerExposure): DeviceStatus {
    const { driverErrors, ...clients } = this.counts;
    const { stats, inFlight, failure, latency } = this.backend.flushes;
    return {
      id: this.id,
      connected: this.server.busy,
      deviceStatus: this.#pci.deviceStatus,
      rangeAddress: this.#pci.rangeAddress,
      flushes: { ...stats },
      flushesInFlight: inFlight,
      latency,
      faults: this.#faultStats,
      exposure,
      recording: this.backing.recording,
      failure: failure?.message,
      counts: { driverErrors, resets: this.backing.resets, clients },
    };
  }

  /** Makes everything written so far durable, which answers every flush that waits, and hangs up; `done` is called after. */
  stop(done: () => void): void {
    this.backing.settle(() => {
      this.server.close();
      this.#kept?.close();
      this.backing.close(done);
    });
  }
}

/** What makes a backend durable, unless it has a medium: a thread waits for a disk, and nobody for memory. `after`: another process had it, and one before may have died. */
function syncerOf(backend: BackendDescription, pool: SyncPool, after: boolean): Syncer {
  if (backend.volatile !== undefined) return volatileSyncer(backend);
  if (backend.syncsAtOnce === true) return promptSyncer(backend.fd);
  const own = pool.syncer(backend.fd);
  return backend.witness === undefined ? own : witnessedSyncer(own, pool.syncer(backend.witness), after);
}

/** What a device goes on from, whoever saved it. */
interface Continued {
  readonly saved: SavedThreadDevice;
  readonly take: TakeDescriptor;
}

function continuedFrom(given: ContinuedDevice | 'kept' | undefined, kept: KeptDevice | undefined, descriptors: KeptDescriptors | undefined): Continued | undefined {
  if (given === undefined) return undefined;
  if (given !== 'kept') return { saved: given.saved, take: duplicatesOf(given.descriptors) };
  const saved = kept?.saved;
  if (saved === undefined || descriptors === undefined) throw new RangeError('what was kept of this device is not there');
  return { saved, take: descriptors.take };
}
