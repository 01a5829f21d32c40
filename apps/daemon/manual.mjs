// Writes vpmemd's manual page, of the table that its options are read by.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { deviceProperties, objectProperties } from '@vpmem/machine';
import { programUsage } from '@vpmem/service';
import { manualPage } from '@vpmem/usage';

const here = (path) => new URL(path, import.meta.url);
const { version } = JSON.parse(readFileSync(here('package.json'), 'utf8'));

// As who packs for others asks: https://reproducible-builds.org/docs/source-date-epoch/
const date = process.env.SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000);

const usage = programUsage('vpmemd', 'serves files to virtual machines as persistent memory', { object: objectProperties, device: deviceProperties });
const page = manualPage(usage, {
  version,
  date: date.toISOString().slice(0, 10),
  description: [
    'vpmemd serves each -device, on the memory of its -object, to a virtual machine: a virtio-pmem device over the vfio-user protocol, which an unmodified QEMU (10.1 or newer) plugs in.',
    "Options are QEMU's, with one dash or two, in any order. A mistake is one line on stderr that says which option is wrong and what would be right; nothing is left half-made.",
    "It prints one line for each device to paste into a QEMU command line, one of advice, then 'vpmemd: ready'. The VM's RAM has to be shareable: -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram",
    'SIGTERM, SIGINT or SIGHUP: everything becomes durable, the sockets are removed, and it ends.',
  ],
  sections: {
    'Exit status': ['0 if it was stopped in good order, 1 if an option is wrong or cannot be had, 70 for an error of its own.'],
    Environment: ['XDG_RUNTIME_DIR: sockets that no option names are in vpmem there. RUNTIME_DIRECTORY, NOTIFY_SOCKET, LISTEN_FDS: as systemd sets them for a service.'],
    Examples: ['vpmemd -object memory-backend-file,id=mem1,share=on,mem-path=pmem.img,size=256M -device virtio-pmem-pci,memdev=mem1,id=nv1'],
  },
  seeAlso: ['vpmem(1)', 'vpmem-run(1)', 'qemu-system-x86_64(1)'],
});
mkdirSync(here('dist/man'), { recursive: true });
writeFileSync(here('dist/man/vpmemd.1'), page);
