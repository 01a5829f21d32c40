import { closeSync, fstatSync } from 'node:fs';
import { abandonBackend, closeBackend, openBackend, openWitness, type BackendDescription, type BackendOptions } from '@vpmem/memory-backend';
import type { PropertySource } from '@vpmem/options';
import { uffdObstacle } from '@vpmem/page-tracker';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import { MachineError } from './machine-error.ts';
import type { BackendInfo } from './memory-info.ts';
import { objectWarnings, readObject } from './properties/object-properties.ts';
import { restoreSource } from './saved-source.ts';
import { restoreBackend, saveBackend, type SavedBackend } from './saved-backend.ts';
import type { ObjectNode, ObjectProperty } from './object-tree.ts';

/** Who uses a backend. */
export interface BackendUser {
  /** QOM path of the device. */
  readonly path: string;
  /** Its id, if it was given one. */
  readonly label: string | undefined;
}

interface Entry {
  readonly source: PropertySource;
  readonly options: BackendOptions;
  backend: BackendDescription;
  user: BackendUser | undefined;
}

/** The memory backends of a machine: what stands under `/objects`, and which device has which. */
export class BackendStore {
  readonly #warn: (text: string) => void;
  readonly #entries = new Map<string, Entry>();
  /** Ids whose backend is being opened. */
  readonly #opening = new Set<string>();

  /** `warn` hears what a user should know before relying on a backend. */
  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** Makes a backend. @throws OptionError, MachineError, BackendError with nothing left behind */
  async add(source: PropertySource): Promise<BackendDescription> {
    const options = readObject(source);
    const { id } = options;
    if (this.#entries.has(id) || this.#opening.has(id)) {
      throw new MachineError('duplicate-id', 'id', `there is an object '${id}' already; give each its own id`);
    }
    this.#opening.add(id);
    try {
      const backend = await openBackend(options);
      checkTracker(backend);
      this.#entries.set(id, { source, options, backend, user: undefined });
      for (const text of objectWarnings(source)) this.#warn(text);
      for (const text of backend.remarks ?? []) this.#warn(text);
      if (backend.volatile !== undefined) this.#warn(backend.volatile);
      return backend;
    } finally {
      this.#opening.delete(id);
    }
  }

  /** What all were made of, by id. */
  get sources(): readonly { readonly id: string; readonly source: PropertySource }[] {
    return [...this.#entries].map(([id, { source }]) => ({ id, source }));
  }

  /** All backends, for a process that continues this one's work. */
  save(put: SaveDescriptor): SavedBackend[] {
    return [...this.#entries.values()].map(({ source, backend }) => saveBackend(source, backend, put));
  }

  /** Has a backend that another process had. @throws MachineError, RangeError with nothing left behind */
  restore(saved: SavedBackend, take: TakeDescriptor): void {
    const source = restoreSource(saved.source);
    const options = readObject(source);
    if (this.#entries.has(options.id)) throw new MachineError('duplicate-id', 'id', `there is an object '${options.id}' already; what was handed over names it twice`);
    this.#entries.set(options.id, { source, options, backend: restoreBackend(saved, take), user: undefined });
  }

  /** Gives a backend that was {@link restore restored} to the device that had it. @throws MachineError */
  reclaim(memdev: string, user: BackendUser): BackendDescription {
    const entry = this.#entries.get(memdev);
    if (entry === undefined || entry.user !== undefined) {
      throw new MachineError('memdev-missing', 'memdev', `${nameOf(user.label)}: what was handed over has no free memory backend '${memdev}'`);
    }
    entry.user = user;
    return entry.backend;
  }

  /** Closes all descriptors, and leaves files as they are: another process has them. */
  letGo(): void {
    for (const { backend } of this.#entries.values()) closeDescriptors(backend);
    this.#entries.clear();
  }

  /** Lets go of a backend nobody uses; its file stays. @throws MachineError */
  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new MachineError('object-missing', 'id', `object '${id}' not found${this.#known('; there is ')}`);
    if (entry.user !== undefined) {
      throw new MachineError('object-busy', 'id', `object '${id}' is in use by ${nameOf(entry.user.label)}, can not be deleted; delete the device first`);
    }
    this.#entries.delete(id);
    closeBackend(entry.backend);
  }

  /** What `memdev` names, if it is there and free; {@link claim} takes it. @throws MachineError */
  free(memdev: string, label: string | undefined): BackendDescription {
    return this.#free(memdev, label).backend;
  }

  /** Gives the backend to a device, which is then its only user. @throws MachineError */
  claim(memdev: string, user: BackendUser): BackendDescription {
    const entry = this.#free(memdev, user.label);
    entry.user = user;
    return entry.backend;
  }

  /** That of a device which may go on in another process, after this one has died: where a disk can lose a write, it has a witness. */
  witnessed(id: string): BackendDescription {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new TypeError(`there is no backend '${id}'`);
    const { backend } = entry;
    const { fd, witness, volatile, syncsAtOnce, medium } = backend;
    if (witness !== undefined || volatile !== undefined || syncsAtOnce === true || medium !== undefined) return backend;
    const opened = openWitness(fd);
    return opened === undefined ? backend : (entry.backend = { ...backend, witness: opened });
  }

  /** The device that had it is gone. */
  release(memdev: string): void {
    const entry = this.#entries.get(memdev);
    if (entry !== undefined) entry.user = undefined;
  }

  /** The open backend of that id. */
  get(id: string): BackendDescription | undefined {
    return this.#entries.get(id)?.backend;
  }

  /** The open backend of that id, which a device has. */
  used(id: string): BackendDescription {
    const backend = this.get(id);
    if (backend === undefined) throw new TypeError(`a device has a backend '${id}' that is not there`);
    return backend;
  }

  /** All that are open. */
  get open(): BackendDescription[] {
    return [...this.#entries.values()].map(({ backend }) => backend);
  }

  infos(): BackendInfo[] {
    return [...this.#entries.values()].map(({ options, backend, user }) => ({
      id: backend.id,
      type: backend.type,
      size: backend.size,
      share: isShared(options),
      prealloc: options.prealloc ?? false,
      reserve: options.reserve ?? true,
      policy: options.policy ?? 'default',
      hostNodes: options.hostNodes ?? [],
      path: backend.path,
      user: user?.path,
    }));
  }

  /** The children of `/objects`. */
  nodes(): Record<string, ObjectNode> {
    return Object.fromEntries([...this.#entries].map(([id, { options }]) => [id, backendNode(options)]));
  }

  /** Lets go of all; files stay, emptied where discard-data=on. */
  close(): void {
    for (const { backend } of this.#entries.values()) closeBackend(backend);
    this.#entries.clear();
  }

  /** Lets go of all, and leaves things as they were: files made here are gone again. */
  abandon(): void {
    for (const { backend } of this.#entries.values()) abandonBackend(backend);
    this.#entries.clear();
  }

  #free(memdev: string, label: string | undefined): Entry {
    const entry = this.#entries.get(memdev);
    if (entry === undefined) {
      const known = this.#known('; there is ') || '; make one with -object or object_add memory-backend-file';
      throw new MachineError('memdev-missing', 'memdev', `${nameOf(label)}: there is no memory backend '${memdev}'${known}`);
    }
    if (entry.user !== undefined) {
      throw new MachineError(
        'memdev-busy',
        'memdev',
        `${nameOf(label)}: memory backend '${memdev}' belongs to ${nameOf(entry.user.label)}; a backend serves one device`,
      );
    }
    checkNotRecorded(entry.backend, label);
    return entry;
  }

  #known(before: string): string {
    return this.#entries.size === 0 ? '' : `${before}${[...this.#entries.keys()].map((id) => `'${id}'`).join(', ')}`;
  }
}

/** @throws MachineError where the page tracker that was asked for by name cannot be had; the backend is given up */
function checkTracker(backend: BackendDescription): void {
  const { id, medium, fd, offset, size, tracker } = backend;
  if (medium === undefined || tracker !== 'uffd') return;
  const obstacle = uffdObstacle({ memory: { fd, offset }, file: medium, size });
  if (obstacle === undefined) return;
  abandonBackend(backend);
  throw new MachineError('not-supported', 'page-tracker', `memory backend '${id}': page-tracker=uffd cannot be had: ${obstacle}; page-tracker=auto takes what there is`);
}

/** @throws MachineError for what a device before has been recorded of: a second recording would go on top of it */
function checkNotRecorded({ id, recording }: BackendDescription, label: string | undefined): void {
  if (recording === undefined || fstatSync(recording.fd).size === 0) return;
  throw new MachineError(
    'recording',
    'memdev',
    `${nameOf(label)}: record '${recording.path}' of memory backend '${id}' has the recording of the device before; make the backend again, with another record=`,
  );
}

function closeDescriptors({ fd, witness, medium, recording, locks = [] }: BackendDescription): void {
  closeSync(fd);
  if (witness !== undefined) closeSync(witness);
  if (medium !== undefined) closeSync(medium.fd);
  if (recording !== undefined) closeSync(recording.fd);
  for (const lock of locks) closeSync(lock);
}

function nameOf(id: string | undefined): string {
  return id === undefined ? 'a device without an id' : `device '${id}'`;
}

function isShared(options: BackendOptions): boolean {
  return options.type !== 'memory-backend-file' || (options.share ?? false);
}

function backendNode(options: BackendOptions): ObjectNode {
  const bool = (value: boolean): ObjectProperty => ({ type: 'bool', value });
  const int = (value: number): ObjectProperty => ({ type: 'int', value });
  const file = options.type === 'memory-backend-file' ? options : undefined;
  return {
    type: options.type,
    children: {},
    properties: {
      type: { type: 'string', value: options.type },
      size: int(options.size),
      share: bool(isShared(options)),
      prealloc: bool(options.prealloc ?? false),
      reserve: bool(options.reserve ?? true),
      policy: { type: 'HostMemPolicy', value: options.policy ?? 'default' },
      'host-nodes': { type: 'int', value: options.hostNodes ?? [] },
      ...(options.type === 'memory-backend-memfd' && { hugetlb: bool(options.hugetlb ?? false) }),
      ...(file !== undefined && {
        'mem-path': { type: 'string', value: file.memPath },
        'share-rw': bool(file.shareRw ?? false),
        readonly: bool(file.readonly ?? false),
        align: int(file.align ?? 0),
        offset: int(file.offset ?? 0),
        'discard-data': bool(file.discardData ?? false),
        'power-failure': bool((file.powerFailure ?? false) || file.record !== undefined),
        'page-tracker': { type: 'string', value: file.pageTracker ?? 'auto' },
        ...(file.record !== undefined && { record: { type: 'string', value: file.record } }),
        ...(file.recordInterval !== undefined && { 'record-interval': int(file.recordInterval) }),
      }),
    },
  };
}
