import { randomUUID } from 'node:crypto';
import { interleaveSetCookie, NamespaceLabels, type LabelArea, type LabelVersion } from '@vpmem/nvdimm';
import { rawNamespaces, type FoundNvdimm } from '@vpmem/nvdimm/driver';
import type { DiskList } from './disk-list.ts';
import { GuestError, ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import { NvdimmDisk } from './nvdimm-disk.ts';

/** Linux maps namespaces that begin and end at a multiple of this. */
export const NAMESPACE_UNIT = 2 * 2 ** 20;

/** Memory of an NVDIMM that is, or would be, a disk. Sizes in bytes. */
export interface GuestNamespace {
  /** Undefined where there are no labels, so that all of the NVDIMM is one disk. */
  readonly uuid: string | undefined;
  /** Empty if it has none. */
  readonly name: string;
  /** From the NVDIMM's beginning. */
  readonly dpa: number;
  readonly size: number;
  /** Undefined if it could not be driven; `problem` heard why. */
  readonly disk: NvdimmDisk | undefined;
}

/** What to make a namespace of. */
export interface NamespaceWish {
  /** Up to 63 bytes of UTF-8. */
  readonly name?: string;
  /** Bytes, a multiple of 2 MiB; default: the longest free stretch. */
  readonly size?: number;
  /** Default: a random one. */
  readonly uuid?: string;
}

/** What an NVDIMM is part of. */
export interface NvdimmSystem {
  readonly machine: GuestMachine;
  readonly disks: DiskList;
  /** Hears, in one line, of what cannot be used. */
  readonly problem: (text: string) => void;
}

/**
 * An NVDIMM as an operating system drives it, by the rules of Linux: with valid labels each namespace is a disk, without
 * any all of it is one. Labels are reached by `_LSI`, `_LSR` and `_LSW`.
 */
export class GuestNvdimm {
  /** What the system calls it: `nmem0`. */
  readonly name: string;
  /** ACPI handle: slot + 1. */
  readonly handle: number;
  /** Guest-physical. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  /** NUMA node. */
  readonly node: number;
  /** False: its disks are read-only. */
  readonly armed: boolean;
  readonly #found: FoundNvdimm;
  readonly #system: NvdimmSystem;
  readonly #area: LabelArea | undefined;
  #namespaces: readonly GuestNamespace[] = [];
  #labelVersion: LabelVersion | undefined;
  #dead: Error | undefined;

  constructor(system: NvdimmSystem, found: FoundNvdimm, name: string) {
    this.name = name;
    this.handle = found.handle;
    this.address = BigInt(found.address);
    this.size = found.size;
    this.node = found.node;
    this.armed = found.armed;
    this.#found = found;
    this.#system = system;
    this.#area = this.#findArea();
    this.#refresh();
  }

  /** Bytes; 0 if it has no label area. */
  get labelSize(): number {
    return this.#area?.size ?? 0;
  }

  /** Of the labels that {@link namespaces} are by; undefined if there are no valid ones. */
  get labelVersion(): LabelVersion | undefined {
    return this.#labelVersion;
  }

  /** By address. */
  get namespaces(): readonly GuestNamespace[] {
    return this.#namespaces;
  }

  /** The labels as they are now; undefined where there are no valid ones. @throws GuestError if they cannot be read */
  labels(): NamespaceLabels | undefined {
    if (this.#dead !== undefined) throw this.#dead;
    const area = this.#area;
    return area === undefined ? undefined : this.#attempt(() => NamespaceLabels.open(area));
  }

  /** Makes the label area one without namespaces, so that none of the NVDIMM is a disk. @throws GuestError with nothing changed */
  initialiseLabels(version: LabelVersion = '1.2'): void {
    const labels = this.labels()?.labels.length ?? 0;
    const area = this.#area;
    if (area === undefined) throw new GuestError(`${this.name} has no label area; label-size= of its device makes one`);
    if (labels > 0) throw new GuestError(`${this.name} has labels of ${labels} namespaces, which have to be destroyed first`);
    this.#checkUnused(this.#namespaces);
    this.#attempt(() => NamespaceLabels.initialise(area, version));
    this.#refresh();
  }

  /** Makes a namespace, and a disk of it. @throws GuestError with nothing changed */
  createNamespace({ name, size, uuid = randomUUID() }: NamespaceWish = {}): GuestNamespace {
    const labels = this.#validLabels();
    const place = size === undefined ? this.#longestStretch(labels) : { size };
    if (!(place.size > 0 && place.size % NAMESPACE_UNIT === 0)) throw new GuestError(`a namespace cannot have ${place.size} bytes; the size has to be a multiple of ${NAMESPACE_UNIT}`);
    const setCookie = interleaveSetCookie(this.#found.identity, labels.version);
    const { uuid: made } = this.#attempt(() => labels.create({ uuid, ...place, capacity: this.size, setCookie, ...(name === undefined ? {} : { name }) }));
    this.#refresh();
    const namespace = this.#namespaces.find((each) => each.uuid === made);
    if (namespace === undefined) throw new GuestError(`${this.name} has a new label, but no namespace of it`);
    return namespace;
  }

  /** Takes a namespace's disk out of service and frees its label. @throws GuestError with nothing changed */
  destroyNamespace(uuid: string): void {
    const labels = this.#validLabels();
    const wanted = uuid.toLowerCase();
    this.#checkUnused(this.#namespaces.filter((each) => each.uuid === wanted));
    if (!this.#attempt(() => labels.remove(wanted))) throw new GuestError(`${this.name} has no namespace ${uuid}`);
    this.#refresh();
  }

  /** The system is gone: nobody asks the NVDIMM anything any more. */
  abandon(reason: Error): void {
    this.#dead = reason;
    for (const { disk } of this.#namespaces) disk?.close(reason);
    this.#namespaces = [];
  }

  #validLabels(): NamespaceLabels {
    const labels = this.labels();
    if (labels !== undefined) return labels;
    throw new GuestError(this.#area === undefined ? `${this.name} has no label area; label-size= of its device makes one` : `${this.name} has no valid labels; they have to be initialised first`);
  }

  #longestStretch(labels: NamespaceLabels): { dpa: number; size: number } {
    const room = labels.room(this.size);
    const dpa = Math.ceil(room.dpa / NAMESPACE_UNIT) * NAMESPACE_UNIT;
    const size = Math.floor((room.dpa + room.size) / NAMESPACE_UNIT) * NAMESPACE_UNIT - dpa;
    if (size <= 0) throw new GuestError(`${this.name} has no ${NAMESPACE_UNIT} bytes in a row without a namespace`);
    return { dpa, size };
  }

  #checkUnused(namespaces: readonly GuestNamespace[]): void {
    const used = namespaces.find(({ disk }) => disk?.inUse === true);
    if (used?.disk !== undefined) throw new GuestError(`${used.disk.name} of ${this.name} is in use`);
  }

  /** Makes the disks those of the labels as they are now; a disk whose namespace stayed is left alone. */
  #refresh(): void {
    const before = this.#namespaces;
    const wanted = this.#wanted();
    const stays = ({ uuid, dpa, size }: Omit<GuestNamespace, 'disk'>): GuestNamespace | undefined => before.find((each) => each.uuid === uuid && each.dpa === dpa && each.size === size);
    const kept = new Set(wanted.map(stays));
    for (const each of before) if (!kept.has(each)) this.#close(each);
    this.#namespaces = wanted.map((each) => stays(each) ?? { ...each, disk: this.#drive(each) });
  }

  #wanted(): Omit<GuestNamespace, 'disk'>[] {
    let labels: NamespaceLabels | undefined;
    try {
      labels = this.labels();
    } catch (error) {
      this.#problem((error as Error).message);
      if (this.#namespaces.length > 0) return [...this.#namespaces];
    }
    this.#labelVersion = labels?.version;
    if (labels === undefined) return [{ uuid: undefined, name: '', dpa: 0, size: this.size }];
    return rawNamespaces(labels, this.#found, (text) => this.#problem(`${this.name}: ${text}`));
  }

  #drive({ dpa, size }: Omit<GuestNamespace, 'disk'>): NvdimmDisk | undefined {
    const { machine, disks } = this.#system;
    const { handle, armed, address } = this;
    try {
      return disks.add((name) => new NvdimmDisk(machine, { name, handle, armed, address: address + BigInt(dpa), size }));
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      this.#problem(`the guest cannot use ${size} bytes at ${dpa} of ${this.name}: ${error.message}`);
      return undefined;
    }
  }

  #close({ disk }: GuestNamespace): void {
    if (disk === undefined) return;
    disk.close(new GuestError('the disk has been taken out of service'));
    this.#system.disks.remove(disk);
  }

  #findArea(): LabelArea | undefined {
    try {
      return this.#found.labels();
    } catch (error) {
      this.#problem(`the labels of ${this.name} cannot be found: ${(error as Error).message}`);
      return undefined;
    }
  }

  #problem(text: string): void {
    this.#system.problem(text);
  }

  /** Whatever is wrong with labels is something that the guest could not do. */
  #attempt<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw new GuestError(`the labels of ${this.name}: ${(error as Error).message}`, { cause: error });
    }
  }
}
