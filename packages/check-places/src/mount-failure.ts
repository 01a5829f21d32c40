import { KernelLog } from '@vpmem/native';

/** From this level on the kernel tells of trouble: 4 is a warning. */
const WARNING = 4;

/** Listens to what the kernel says of a device while it mounts it. Where its log cannot be read, nothing is heard. */
export class MountListener {
  readonly #log: KernelLog | undefined;

  constructor() {
    try {
      this.#log = new KernelLog();
    } catch {
      // It is for root, or not there at all. Then the errno alone has to do.
    }
  }

  /** What is said from now on counts. */
  begin(): void {
    this.#log?.skip();
  }

  /** What a mount of `device` failed with, in one line, and all that the kernel said of it. */
  tell(error: Error, device: string): MountFailure {
    return mountFailure(error, device, this.#log?.take() ?? []);
  }

  close(): void {
    this.#log?.close();
  }
}

/** Why an image could not be mounted. */
export interface MountFailure {
  /** One line by which failures are grouped. */
  readonly signature: string;
  readonly output: string;
}

/**
 * What a failure is called: the error of mount(2), and the first warning that the kernel gave of the device. Names of devices and programs, line numbers of the
 * kernel's source, and all numbers are left out: they differ from state to state, and from kernel to kernel, where the failure is one.
 */
export function mountFailure(error: Error, device: string, heard: Iterable<{ readonly level: number; readonly text: string }>): MountFailure {
  const name = device.slice('/dev/'.length);
  const said = [...heard].filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text));
  const reason = error.message.slice(error.message.indexOf(': ') + 2);
  const first = said.find(({ level }) => level <= WARNING)?.text;
  return { signature: `mount: ${reason}${first === undefined ? '' : `: ${withoutAccidents(first, name)}`}`, output: said.map(({ text }) => `${text}\n`).join('') };
}

function withoutAccidents(text: string, device: string): string {
  return text
    .replaceAll(new RegExp(` \\((?:device )?${device}(?: state [A-Z]+)?\\)`, 'g'), '')
    .replaceAll(new RegExp(`\\b${device}(?:-\\d+)?\\b`, 'g'), 'the device')
    .replaceAll(/\bcomm [^\s:]+/g, 'comm P')
    .replaceAll(/\b(?:0x[0-9a-f]+|\d+)\b/g, 'N')
    .trim();
}
