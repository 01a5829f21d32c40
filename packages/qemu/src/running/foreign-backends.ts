// Memory backends change hands: virtio-pmem needs one made here, every other device one of QEMU's. Which it is to be, the
// first device says that wants it.
import { ForeignError, MachineError, type BackendInfo, type ManagedMachine } from '@vpmem/machine';
import { OptionError, type OptionValue, type PropertySource } from '@vpmem/options';
import { addForeignObject } from './foreign-option.ts';
import type { QemuMonitor } from './qemu-monitor.ts';

/** Devices whose memory the guest takes for RAM, which a device outside QEMU has to see. */
const RAM_DEVICES: readonly unknown[] = ['pc-dimm', 'virtio-mem-pci'];
/** Backends that QEMU makes private unless told otherwise. */
const PRIVATE_BY_DEFAULT: readonly unknown[] = ['memory-backend-ram', 'memory-backend-file', 'memory-backend-shm'];

/** Properties that QEMU's backends do not have: what is wrong with one that has them, QEMU cannot say. */
const OURS = ['share-rw', 'power-failure', 'page-tracker', 'record', 'record-interval'];

/** Backends that hold nothing when the VM is gone. */
const FILELESS: readonly unknown[] = ['memory-backend-ram', 'memory-backend-memfd'];

/** The id of a backend, of which a device may name the QOM path. */
export function backendId(memdev: OptionValue | undefined): string | undefined {
  return typeof memdev === 'string' ? memdev.replace(/^\/objects\//, '') : undefined;
}

/** Where each memory backend of a VM is: here, or in QEMU. */
export class ForeignBackends {
  readonly #served: ManagedMachine;
  readonly #qemu: QemuMonitor;
  /** How each was asked for. */
  readonly #sources = new Map<string, PropertySource>();
  /** Why those are QEMU's that could not be made here. */
  readonly #refused = new Map<string, OptionError>();

  /** @param cold what the command line made in QEMU */
  constructor(served: ManagedMachine, qemu: QemuMonitor, cold: readonly PropertySource[] = []) {
    this.#served = served;
    this.#qemu = qemu;
    for (const source of cold) this.#remember(source);
  }

  /** Makes a backend: one with a file here, others in QEMU, since they are RAM as a rule; or where its properties are known. */
  async add(source: PropertySource): Promise<void> {
    await (FILELESS.includes(source.properties['qom-type']) ? this.#addThere(source) : this.#addHere(source));
    this.#remember(source);
  }

  /** Whether a backend was made by way of this program, wherever it is now. */
  has(id: string): boolean {
    return this.#sources.has(id);
  }

  /** A backend is gone, wherever it was. */
  forget(id: string): void {
    this.#sources.delete(id);
    this.#refused.delete(id);
  }

  /** Sees to it that the backend of a virtio-pmem device is here, if it is one that can be. */
  async bring(memdev: OptionValue | undefined): Promise<void> {
    const id = backendId(memdev);
    if (id === undefined || this.#own(id) !== undefined) return;
    const source = this.#sources.get(id);
    if (source === undefined) return;
    const refused = this.#refused.get(id);
    if (refused !== undefined) throw new MachineError('not-supported', 'memdev', `memory backend '${id}' cannot be made outside QEMU: ${refused.message}`);
    try {
      await this.#qemu.execute('object-del', { id });
    } catch (error) {
      // One that was deleted there is not there; one that a device of QEMU's has stays.
      const mapped = error instanceof ForeignError && /mapped|in use/.test(error.message);
      throw mapped ? new MachineError('memdev-busy', 'memdev', `can't use already busy memdev: ${id}`) : error;
    }
    try {
      await this.#served.addObject(source);
    } catch (error) {
      await addForeignObject(this.#qemu, source);
      throw error;
    }
  }

  /** Gives QEMU the backend that a device of its own wants. */
  async give(driver: OptionValue | undefined, memdev: OptionValue | undefined): Promise<void> {
    const id = backendId(memdev);
    const own = id === undefined ? undefined : this.#own(id);
    const source = id === undefined ? undefined : this.#sources.get(id);
    if (id === undefined || own === undefined || source === undefined) return;
    if (own.user !== undefined) throw new MachineError('memdev-busy', 'memdev', `can't use already busy memdev: ${id}`);
    await this.#served.deleteObject(id);
    try {
      await addForeignObject(this.#qemu, RAM_DEVICES.includes(driver) ? shared(source) : source);
    } catch (error) {
      await this.#served.addObject(source);
      throw error;
    }
  }

  async #addHere(source: PropertySource): Promise<void> {
    try {
      await this.#served.addObject(source);
    } catch (error) {
      const { id } = source.properties;
      if (!(error instanceof OptionError) || typeof id !== 'string' || OURS.some((name) => name in source.properties)) throw error;
      await addForeignObject(this.#qemu, source);
      this.#refused.set(id, error);
    }
  }

  async #addThere(source: PropertySource): Promise<void> {
    try {
      await addForeignObject(this.#qemu, shared(source));
    } catch (error) {
      if (!(error instanceof ForeignError)) throw error;
      try {
        await this.#served.addObject(source);
      } catch {
        // What is wrong for both is told in QEMU's words.
        throw error;
      }
    }
  }

  #own(id: string): BackendInfo | undefined {
    return this.#served.backends().find((backend) => backend.id === id);
  }

  #remember(source: PropertySource): void {
    const { id } = source.properties;
    if (typeof id === 'string') this.#sources.set(id, source);
  }
}

/** RAM is of no use to our devices unless it is shared; whoever wrote `share=off` is left alone. */
function shared(source: PropertySource): PropertySource {
  const { properties } = source;
  if ('share' in properties || !PRIVATE_BY_DEFAULT.includes(properties['qom-type'])) return source;
  return { ...source, properties: { ...properties, share: source.form === 'json' ? true : 'on' } };
}
