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
  tell(error: Error, device: string): { readonly signature: string; readonly output: string } {
    const name = device.slice('/dev/'.length);
    const said = [...(this.#log?.take() ?? [])].filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text));
    const reason = error.message.slice(error.message.indexOf(': ') + 2);
    const first = said.find(({ level }) => level <= WARNING)?.text.replaceAll(` (${name})`, '').replaceAll(name, 'the device');
    return { signature: `mount: ${reason}${first === undefined ? '' : `: ${first}`}`, output: said.map(({ text }) => `${text}\n`).join('') };
  }

  close(): void {
    this.#log?.close();
  }
}
