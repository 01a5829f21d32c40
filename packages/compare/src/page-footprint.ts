import { createHash } from 'node:crypto';
import { writeFileSync, truncateSync } from 'node:fs';
import { livesInMemory } from '@vpmem/native';
import type { Testbed } from '@vpmem/testbed';
import { HostMemory, kib, swapBytes, type Resident } from './host-memory.ts';
import { LinuxDisks } from './linux-disks.ts';
import { MAKE_DAX, MAKE_FILE_SYSTEM } from './linux-script.ts';
import type { DeviceKind } from './rig.ts';
import { ScratchFolder } from './scratch-folder.ts';

const MIB = 2 ** 20;
/** Of the disk: ext4 with its journal, and what Linux takes of an nvdimm. */
const BESIDE = 64 * MIB;
/** MiB of RAM beside what is written, so that no cache has to give way. */
const RAM_BESIDE = 320;
const LETTER = 0x5a;
/** Of the file, that are compared. */
const SUMMED_BYTES = 16 * MIB;
/** VMs that run at a time. */
const AT_ONCE = 2;

/** How a guest has a file, and how it mounts ext4 on it. */
export const FOOTPRINT_WAYS = [
  { device: 'virtio-blk', how: 'cache=writeback' },
  { device: 'virtio-blk', how: 'cache=none' },
  { device: 'virtio-pmem', how: 'dax' },
  { device: 'nvdimm', how: 'dax' },
] as const satisfies readonly { readonly device: DeviceKind | 'virtio-blk'; readonly how: string }[];
/** A way in which a guest can have a file. */
export type FootprintWay = (typeof FOOTPRINT_WAYS)[number];

/** What one way of having a file comes to. Bytes; changes are after the work less before it, in a VM of its own. */
export interface WayFootprint {
  readonly way: FootprintWay;
  /** Changes in the guest's /proc/meminfo: `Cached` and `MemFree`. */
  readonly guest: { readonly cached: number; readonly free: number };
  /** Change of what QEMU's process has mapped. */
  readonly qemu: Resident;
  /** In this host's memory: changes of the guest's RAM and of what is cached of the disk's file. */
  readonly host: { readonly ram: number; readonly file: number };
  /** Bytes of both that the host got when it asked for them back; `refused` says why it could not ask for what QEMU has mapped. */
  readonly takenBack: { readonly ram: number; readonly file: number; readonly refused?: string };
  /** After that the guest read the file again: what came back into the host's page cache, and whether the bytes were those it had written. */
  readonly again: { readonly file: number; readonly same: boolean };
}

/** What {@link measureFootprint} found. */
export interface Footprint {
  /** What the guest wrote to one file and read again. */
  readonly bytes: number;
  /** Bytes of swap that the host has: without any it can only wait for a guest to give RAM back. */
  readonly swap: number;
  /** Whether the disks' files live in memory (tmpfs): the host has no other place for them then. */
  readonly inMemory: boolean;
  readonly ways: readonly WayFootprint[];
}

/** What is measured, and where. */
export interface FootprintOptions {
  readonly testbed: Testbed;
  /** What the guest writes and reads, a multiple of 2 MiB. */
  readonly bytes: number;
  /** Where the disks' files are made, and removed. */
  readonly folder: string;
  readonly ways?: readonly FootprintWay[];
}

/** A guest for each way writes a file on ext4, fsyncs it and reads it; then the host takes back what it can. @throws CompareError, TestbedError */
export async function measureFootprint({ ways = FOOTPRINT_WAYS, ...options }: FootprintOptions): Promise<Footprint> {
  const { bytes, folder } = options;
  const found = await inTurns(ways, (way) => measureWay(way, options));
  return { bytes, swap: swapBytes(), inMemory: livesInMemory(folder), ways: found };
}

/** At most {@link AT_ONCE} at a time; the results in order. Waits for all that began, also if one fails. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      try {
        results[next[0]] = await work(next[1]);
      } catch (error) {
        left.length = 0;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}

async function measureWay(way: FootprintWay, { testbed, bytes, folder }: Omit<FootprintOptions, 'ways'>): Promise<WayFootprint> {
  const size = bytes + BESIDE;
  // The path of a socket has to be short, wherever the file is.
  const [files, sockets] = [new ScratchFolder(folder), new ScratchFolder()];
  const path = files.join('disk.img');
  const block = way.device === 'virtio-blk';
  if (block) {
    writeFileSync(path, '');
    truncateSync(path, size);
  }
  const drive = block ? { drive: `format=raw,${way.how},file=${path.replaceAll(',', ',,')}` } : {};
  const disks = new LinuxDisks({ testbed, folder: sockets, size, powerFailure: false, ram: bytes / MIB + RAM_BESIDE, ...drive });
  try {
    let disk = '/dev/vda';
    if (way.device === 'virtio-blk') {
      await disks.boot();
      await disks.sh(`wait-for ${disk}`);
    } else {
      disk = await bootPmem(disks, way.device, path);
    }
    await disks.sh(`${MAKE_FILE_SYSTEM} ${disk} && mount -t ext4 -o noinit_itable${block ? '' : ',dax=always'} ${disk} /mnt`);
    const memory = new HostMemory(disks.pid, path);
    try {
      return { way, ...(await work(disks, memory, bytes)) };
    } finally {
      memory.close();
    }
  } finally {
    await disks.close();
    for (const each of [files, sockets]) each.remove();
  }
}

async function bootPmem(disks: LinuxDisks, device: DeviceKind, path: string): Promise<string> {
  const disk = { device, path };
  await disks.add(disk);
  await disks.boot();
  if (device === 'nvdimm') {
    await disks.sh(MAKE_DAX);
    await disks.findDisks();
  }
  return disks.nameOf(disk);
}

const FILE = '/mnt/file';
/** All of it would take a guest without KVM long: the beginning. */
const SUMMED = `head -c ${SUMMED_BYTES} ${FILE} | md5sum`;
const SUM = createHash('md5').update(Buffer.alloc(SUMMED_BYTES, LETTER)).digest('hex');

async function work(disks: LinuxDisks, memory: HostMemory, bytes: number): Promise<Omit<WayFootprint, 'way'>> {
  await disks.sh('sync; echo 3 > /proc/sys/vm/drop_caches');
  memory.takeBackFile();
  const before = { guest: await guestMemory(disks), qemu: memory.resident, ram: memory.ram, file: memory.file };
  await disks.sh(`xfs_io -f -c "pwrite -q -b 1m -S ${LETTER} 0 ${bytes}" -c fsync -c "pread -q -b 1m 0 ${bytes}" ${FILE}`);
  const after = { guest: await guestMemory(disks), qemu: memory.resident, ram: memory.ram, file: memory.file };
  const refused = memory.takeBackFile() ?? memory.takeBackRam();
  const left = { ram: memory.ram, file: memory.file };
  const [sum] = (await disks.sh(`xfs_io -r -c "pread -q -b 1m 0 ${bytes}" ${FILE} && ${SUMMED}`)).split(' ');
  const [a, b] = [before.qemu, after.qemu];
  return {
    guest: { cached: after.guest.cached - before.guest.cached, free: after.guest.free - before.guest.free },
    qemu: { anonymous: b.anonymous - a.anonymous, file: b.file - a.file, shmem: b.shmem - a.shmem },
    host: { ram: after.ram - before.ram, file: after.file - before.file },
    takenBack: { ram: after.ram - left.ram, file: after.file - left.file, ...(refused !== undefined && { refused }) },
    again: { file: memory.file - left.file, same: sum === SUM },
  };
}

async function guestMemory(disks: LinuxDisks): Promise<{ readonly cached: number; readonly free: number }> {
  const text = await disks.sh('cat /proc/meminfo');
  return { cached: kib(text, 'Cached'), free: kib(text, 'MemFree') };
}
