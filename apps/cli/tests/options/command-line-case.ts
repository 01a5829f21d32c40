/** What becomes of a command line: the VM is there, it prints something and ends well, or what it says on refusing. */
export type LineVerdict = 'starts' | { readonly refused: string };

/** A whole command line, as one would type it in a shell, and what QEMU and `vpmem qemu` make of it. */
export interface CommandLineCase {
  readonly line: string;
  readonly qemu: LineVerdict;
  readonly vpmem: LineVerdict;
  /** Whether what is said on refusing is the same, word for word. */
  readonly sameWords: boolean;
  /** Why they differ; if they do not, what is worth knowing, if anything. */
  readonly why: string | undefined;
}

export interface LineGroup {
  readonly title: string;
  readonly lines: readonly CommandLineCase[];
}

export const PMEM_OBJECT = '-object memory-backend-file,id=m,mem-path=pmem.img,size=4M,share=on';
/** A device of ours with its backend. */
export const PMEM = `${PMEM_OBJECT} -device virtio-pmem-pci,memdev=m,id=nv`;
/** The backend in JSON. */
export const PMEM_JSON = `-object '{"qom-type":"memory-backend-file","id":"m","mem-path":"pmem.img","share":true,"size":4194304}'`;

/** Files that the lines name, beside empty images of 4M. */
export const LINE_FILES: Readonly<Record<string, string>> = {
  'vm.cfg': [
    '# as one would write it by hand', '[memory]', '  size = "128M"', '  maxmem = "1G"', '',
    '[object "mem1"]', '  qom-type = "memory-backend-file"', '  mem-path = "pmem.img"', '  size = "4M"', '  share = "on"', '',
    '[device "nv1"]', '  driver = "virtio-pmem-pci"', '  memdev = "mem1"', '',
    '[device "rng1"]', '  driver = "virtio-rng-pci"', '',
  ].join('\n'),
  'private.cfg': [
    '[machine]', '  type = "q35"', '  memory-backend = "ram0"', '', '[object "ram0"]', '  qom-type = "memory-backend-ram"', '  size = "128M"', '',
    '[memory]', '  size = "128M"', '', '[object "mem1"]', '  qom-type = "memory-backend-file"', '  mem-path = "pmem.img"', '  size = "4M"', '  share = "on"', '',
    '[device]', '  driver = "virtio-pmem-pci"', '  memdev = "/objects/mem1"', '',
  ].join('\n'),
  'pve-q35.cfg': [
    '[device "ehci"]', '  driver = "ich9-usb-ehci1"', '  multifunction = "on"', '  bus = "pcie.0"', '  addr = "1d.7"', '',
    '[device "ich9-pcie-port-1"]', '  driver = "pcie-root-port"', '  x-speed = "16"', '  x-width = "32"', '  multifunction = "on"', '  bus = "pcie.0"',
    '  addr = "1c.0"', '  port = "1"', '  chassis = "1"', '',
    '[device "pcidmi"]', '  driver = "i82801b11-bridge"', '  bus = "pcie.0"', '  addr = "1e.0"', '',
    '[device "pci.0"]', '  driver = "pci-bridge"', '  bus = "pcidmi"', '  addr = "1.0"', '  chassis_nr = "1"', '',
  ].join('\n'),
  'broken.cfg': '[objekt "a"]\n  size = "1"\n',
  'unquoted.cfg': '[device "nv1"]\n  driver = virtio-pmem-pci\n',
};

/** Files of 4M that the lines name. */
export const LINE_IMAGES = ['pmem.img', 'a.img', 'b.img', 'nv.img', 'rootfs.img', 'disk.img', 'seed.iso', 'with,comma.img'];

/** Both start it, or both refuse it in the same words, of which these are some. */
export function alike(line: string, why?: string, refused?: string): CommandLineCase {
  const verdict: LineVerdict = refused === undefined ? 'starts' : { refused };
  return { line, qemu: verdict, vpmem: verdict, sameWords: true, why };
}

/** Both refuse it, each in its own words. */
export function refusedByBoth(line: string, qemu: string, vpmem: string, why?: string): CommandLineCase {
  return { line, qemu: { refused: qemu }, vpmem: { refused: vpmem }, sameWords: false, why };
}

/** Only we refuse it. */
export function refusedByUs(line: string, vpmem: string, why: string): CommandLineCase {
  return { line, qemu: 'starts', vpmem: { refused: vpmem }, sameWords: false, why };
}

/** Only we start it. */
export function ours(line: string, qemu: string, why: string): CommandLineCase {
  return { line, qemu: { refused: qemu }, vpmem: 'starts', sameWords: false, why };
}

/** Whether one starts it and the other does not. */
export function linesDiffer({ qemu, vpmem }: CommandLineCase): boolean {
  return (qemu === 'starts') !== (vpmem === 'starts');
}

/** A line as a shell would take it apart, which knows single quotes and blanks. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}
