import type { Testbed } from '@vpmem/testbed';
import { LinuxDisks, type LinuxDisk } from './linux-disks.ts';
import { MAKE_DAX, MAKE_FILE_SYSTEM, mapSyncScript, mountAt } from './linux-script.ts';
import { CompareError, DEVICES, type DeviceKind, type MapSyncAnswer } from './rig.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { SparseImage } from './sparse-image.ts';

/** What Linux makes of an empty file of each kind: a file system that every trial begins with, and an answer. */
export interface LinuxTemplate {
  readonly images: Readonly<Record<DeviceKind, SparseImage>>;
  readonly mapSync: readonly MapSyncAnswer[];
}

/** Boots a guest that makes the file systems, where no power is ever cut, and asks for MAP_SYNC on each. @throws CompareError, TestbedError */
export async function makeTemplate(testbed: Testbed, size: number): Promise<LinuxTemplate> {
  const folder = new ScratchFolder();
  const disks = new LinuxDisks({ testbed, folder, size, powerFailure: false });
  try {
    const both = DEVICES.map((device): LinuxDisk => ({ device, path: folder.join(`${device}.img`) }));
    for (const disk of both) await disks.add(disk);
    await disks.boot();
    await disks.sh(MAKE_DAX);
    await disks.findDisks();
    const mapSync: MapSyncAnswer[] = [];
    for (const disk of both) mapSync.push(await prepare(disks, disk));
    await disks.powerOff();
    const [pmem, nvdimm] = both.map(({ path }) => SparseImage.read(path));
    if (pmem === undefined || nvdimm === undefined) throw new TypeError('there are two devices');
    return { images: { 'virtio-pmem': pmem, nvdimm }, mapSync };
  } finally {
    await disks.close();
    folder.remove();
  }
}

async function prepare(disks: LinuxDisks, disk: LinuxDisk): Promise<MapSyncAnswer> {
  const { device } = disk;
  await disks.sh(`${MAKE_FILE_SYSTEM} ${disks.nameOf(disk)} && ${mountAt(disks.nameOf(disk), '/mnt')}`);
  const { status, output } = await disks.run(mapSyncScript('/mnt'));
  await disks.sh('rm -f /mnt/map-sync && sync && umount /mnt');
  if (status === 0) return { device, granted: true, said: '' };
  const said = /^mmap: (.*)$/m.exec(output)?.[1] ?? output;
  // Anything else is no answer to the question.
  if (said !== 'Operation not supported') throw new CompareError(`MAP_SYNC on ${device} could not be asked for: ${said.replaceAll(/\s+/g, ' ')}`);
  return { device, granted: false, said };
}
