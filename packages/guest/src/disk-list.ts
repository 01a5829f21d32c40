import type { GuestDisk } from './guest-disk.ts';

/** The disks of a system, whatever drives them: in the order found, each under a name of its own. */
export class DiskList {
  readonly #disks: GuestDisk[] = [];

  get all(): readonly GuestDisk[] {
    return this.#disks;
  }

  /** Adds the disk that `make` makes for the lowest free name. */
  add<Disk extends GuestDisk>(make: (name: string) => Disk): Disk {
    const taken = new Set(this.#disks.map(({ name }) => name));
    let index = 0;
    while (taken.has(`pmem${index}`)) index++;
    const disk = make(`pmem${index}`);
    this.#disks.push(disk);
    return disk;
  }

  remove(disk: GuestDisk): void {
    const index = this.#disks.indexOf(disk);
    if (index !== -1) this.#disks.splice(index, 1);
  }

  clear(): void {
    this.#disks.length = 0;
  }
}
