import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGuest, type Guest, type Testbed } from '@vpmem/testbed';
import { preparePrograms } from './program-image.ts';
import type { FileSystem, SurveyCase } from './survey-case.ts';

const VPMEM = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const WORKLOADS = fileURLToPath(new URL('../workloads/', import.meta.url));
const MKFS: Readonly<Record<FileSystem, string>> = {
  // What the kernel would write behind our back later is written at once.
  ext4: 'mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0,lazy_journal_init=0',
  xfs: 'mkfs.xfs -q -f',
  btrfs: 'mkfs.btrfs -q -f',
};
const MODULES: Readonly<Record<FileSystem, readonly string[]>> = { ext4: [], xfs: ['xfs'], btrfs: ['btrfs'] };

/** The tree of programs becomes a root of its own, whose /mnt/disk is the recorded disk; /dev/pmem0 is that disk, /dev/pmem1 takes marks. */
const ENTER = `set -e
wait-for /dev/pmem1 && wait-for /dev/vda
mkdir -p /tree && mount -t ext4 -o ro /dev/vda /tree
for each in dev proc sys; do mount -o bind /$each /tree/$each; done
for each in tmp run root mnt var/tmp; do mount -t tmpfs tmpfs /tree/$each; done
mkdir -p /tree/mnt/disk
ip link set lo up
base64 -d > /tree/tmp/work.sh <<'END'
`;

/** What a script of a workload is, or nothing. */
export function workloadScript({ workload }: SurveyCase, name: 'setup.sh' | 'run.sh' | 'check.sh'): string {
  const path = join(WORKLOADS, workload, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Lines of shell that set a case's variables. */
export const variableLines = (variables: Readonly<Record<string, string>>): string => Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`).join('');

/** What a guest does for a case. Whatever stands before the mark `begin` is durable by then. */
export function guestScript(each: SurveyCase): string {
  const { fs, mkfs = '', mount = 'dax=always', mounted = true, variables = {} } = each;
  return [
    'set -e\ncd /\n',
    readFileSync(join(WORKLOADS, 'guest.sh'), 'utf8'),
    variableLines({ ...variables, FS: fs, MOUNT: mount }),
    `${MKFS[fs]} ${mkfs} $DISK\n`,
    mounted ? 'mount_disk\n' : '',
    workloadScript(each, 'setup.sh'),
    '\nsync; sync $DISK; mark begin\n',
    workloadScript(each, 'run.sh'),
    // Whoever checks the last state has to find all of it.
    '\nsync; sync $DISK; mark end\n',
  ].join('');
}

/** Records a case: afterwards `file` is its recording. @throws TestbedError with what the guest said if it cannot be had */
export async function recordCase(testbed: Testbed, each: SurveyCase, file: string): Promise<void> {
  const { image } = await preparePrograms(testbed, each.programs);
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-survey-'));
  let guest: Guest | undefined;
  try {
    guest = await startGuest({
      testbed,
      memory: '1G',
      ram: [],
      modules: ['virtio_blk', ...MODULES[each.fs], ...(each.modules ?? [])],
      qemuArgs: [
        ...['-object', `memory-backend-file,id=disk-memory,mem-path=${join(folder, 'disk')},size=${each.size},share=on`, '-device', 'virtio-pmem-pci,id=disk,memdev=disk-memory'],
        ...['-object', 'memory-backend-ram,id=marks-memory,size=2M', '-device', 'virtio-pmem-pci,id=marks,memdev=marks-memory,marks=on'],
        ...['-drive', `if=virtio,format=raw,readonly=on,file=${image}`],
      ],
      command: (line) => [process.execPath, VPMEM, 'qemu', '--record', join(folder, 'runs'), '--qemu', testbed.qemuWrapper, '--', ...line.slice(1)],
    });
    const script = Buffer.from(guestScript(each)).toString('base64');
    await guest.sh(`${ENTER}${script}\nEND\n`);
    await guest.sh('exec chroot /tree /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C sh /tmp/work.sh', { timeout: (each.seconds ?? 120) * 1000 });
    // It does not get to write anything more, and the recording gets its end.
    await guest.qmp('quit');
    await guest.waitForExit();
    copyFileSync(join(folder, 'runs/disk.vpmrec'), file);
  } finally {
    await guest?.stop();
    rmSync(folder, { recursive: true });
  }
}
