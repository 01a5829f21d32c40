import { gzipSync, gunzipSync } from 'node:zlib';
import type { Trial } from './rig.ts';
import { AREA, type Step, type Workload } from './workload.ts';

/** Files that come and go without an fsync, so that the journal has something in it when the power goes. */
const NOISE = 'i=0; while :; do i=$((i + 1)); mkdir -p noise; echo $i > noise/$((i % 32)); mv noise/$((i % 7)) noise/moved 2>/dev/null; rm -f noise/$((i % 5)); usleep 20000; done';

/** DAX, and a journal that is written when an fsync wants it and not before: what survives is then no matter of time. */
const MOUNT = 'mount -t ext4 -o dax=always,commit=3600,noinit_itable';

/** Kernel threads shall write nothing on their own. */
export const QUIET = 'echo 0 > /proc/sys/vm/dirty_writeback_centisecs';

/** mkfs leaves nothing to do for later. */
export const MAKE_FILE_SYSTEM = 'mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0';

/** Gives the one NVDIMM there is a namespace that can have DAX; what Linux needs for its pages shall be in RAM. */
export const MAKE_DAX = String.raw`ndctl create-namespace -f -m fsdax -M mem -e $(ndctl list -b ACPI.NFIT -N -i | sed -n 's/.*"dev":"\(namespace[^"]*\)".*/\1/p')`;

export function mountAt(disk: string, folder: string): string {
  return `mkdir -p ${folder} && ${MOUNT} ${disk} ${folder}`;
}

/** Succeeds if the kernel has replayed a journal when it mounted the disk. */
export function replayedScript(disk: string): string {
  return `dmesg | grep -qF 'EXT4-fs (${disk.split('/').at(-1) ?? ''}): recovery complete'`;
}

/** Does what the workload says, by one program; succeeds only if all of it, and every fsync, did. */
export function workScript({ workload }: Trial, folder: string): string {
  const records = gzipSync(Buffer.concat(workload.records)).toString('base64');
  const commands = workload.steps.map((step) => command(step, workload));
  const reserved = workload.reserved ? [`pwrite -q -S 0 0 ${AREA}`, 'fsync'] : [];
  const mapped = workload.style === 'mapped' ? [`truncate ${AREA}`, `mmap -rw 0 ${AREA}`] : [];
  const noise = workload.name === 'log-fsync' ? `(cd ${folder} && ${NOISE}) >/dev/null 2>&1 &\n` : '';
  return `${noise}base64 -d <<'END' | gunzip > /tmp/records || exit 1
${records.replaceAll(/.{76}/g, '$&\n')}
END
xfs_io -f ${[...reserved, ...mapped, ...commands].map((each) => `-c "${each}"`).join(' ')} ${folder}/${workload.name}`;
}

/** A mapped store is the processor's; its record is one letter, which is all that `mwrite` can store. */
function command(step: Step, { style, records }: Workload): string {
  if (step.kind === 'fsync') return 'fsync';
  if (style === 'mapped') return `mwrite -S ${records[step.record]?.[0] ?? 0} ${step.offset} ${step.length}`;
  return `pwrite -q -i /tmp/records -s ${step.offset} ${step.offset} ${step.length}`;
}

/** Writes what is there of the workload's file, packed; nothing if there is no such file. */
export function readScript({ workload }: Trial, folder: string): string {
  return `[ ! -e ${folder}/${workload.name} ] || head -c ${AREA} ${folder}/${workload.name} | gzip -c | base64`;
}

/** What {@link readScript} has written. */
export function unpack(output: string): Buffer {
  return output.trim() === '' ? Buffer.alloc(0) : gunzipSync(Buffer.from(output, 'base64'));
}

/** Asks for MAP_SYNC on a file with DAX. */
export function mapSyncScript(folder: string): string {
  return `xfs_io -f -c "truncate 64k" -c "mmap -rw -S 0 64k" -c "mwrite 0 64k" ${folder}/map-sync`;
}

/** Waits until there are that many, or says after a minute how many there are, and fails. */
export function waitForDisks(count: number): string {
  return `left=600; until [ $(ls -d /sys/block/pmem* 2>/dev/null | wc -l) = ${count} ]; do
  left=$((left - 1)); [ $left -gt 0 ] || { ls -d /sys/block/pmem* 2>/dev/null | wc -l; exit 1; }; sleep 0.1
done`;
}

/** Lines of: a disk's name, its place among the devices, the address of its memory. */
export const LIST_DISKS = `for block in /sys/block/pmem*; do
  place=$(readlink -f $block)
  region=\${place%%/namespace*}; region=\${region%%/pfn*}; region=\${region%%/dax*}
  echo \${block##*/} $place $(cat $region/resource)
done`;

/** Names of disks, `/dev/pmem3`, of each kind in the order of their devices. */
export function readDisks(output: string): Readonly<Record<'virtio-pmem' | 'nvdimm', readonly string[]>> {
  const disks = output
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name = '', place = '', address = '0']) => ({ name: `/dev/${name}`, place, address: BigInt(address), nvdimm: place.includes('/ACPI') }));
  const named = (some: typeof disks): string[] => some.map(({ name }) => name);
  return {
    // QEMU gives slots to functions, and addresses to modules, in the order of its command line.
    'virtio-pmem': named(disks.filter(({ nvdimm }) => !nvdimm).sort((a, b) => (a.place < b.place ? -1 : 1))),
    nvdimm: named(disks.filter(({ nvdimm }) => nvdimm).sort((a, b) => (a.address < b.address ? -1 : 1))),
  };
}
