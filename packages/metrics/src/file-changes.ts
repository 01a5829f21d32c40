import type { ManagedMachine, MachineEvents } from '@vpmem/machine';

type Change = MachineEvents['PMEM_BACKING_FILE_CHANGED']['change'];

/** How often the file behind a device was seen to have changed, by what became of it. */
export type FileChanges = Readonly<Record<Change, number>>;

const NONE: FileChanges = { truncated: 0, replaced: 0, deleted: 0, 'no-space': 0 };

/** Counts what a machine tells of its backing files. A device that is gone takes its counts with it. */
export class FileChangeCounter {
  /** By QOM path of the device, since another may have its id, or its backend, later. */
  readonly #changes = new Map<string, FileChanges>();
  readonly #forget: () => void;

  constructor(machine: Pick<ManagedMachine, 'onEvent' | 'backends'>) {
    this.#forget = machine.onEvent(({ name, data }) => {
      if (name === 'DEVICE_DELETED') this.#changes.delete(data.path);
      if (name !== 'PMEM_BACKING_FILE_CHANGED') return;
      const path = machine.backends().find(({ id }) => id === data.memdev)?.user;
      if (path === undefined) return;
      const counts = this.of(path);
      this.#changes.set(path, { ...counts, [data.change]: counts[data.change] + 1 });
    });
  }

  of(path: string): FileChanges {
    return this.#changes.get(path) ?? NONE;
  }

  close(): void {
    this.#forget();
  }
}
