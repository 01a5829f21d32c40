import { HmpShell } from '@vpmem/monitor/commands';
import { lineCarriesState, type QemuMachine } from '@vpmem/qemu';

/** What of HMP is not QEMU's alone. */
const OURS: ReadonlySet<string> = new Set([
  'object_add',
  'object_del',
  'device_add',
  'device_del',
  'qom-list',
  'qom-get',
  'power_cut',
  'flush_fault',
  'flush_limit',
  'mark',
  'pmem_record',
  'info history',
  'info memdev',
  'info memory-devices',
  'info memory_size_summary',
  'info pmem',
]);
/** The same for a monitor of somebody who can leave it. */
const LEAVE: ReadonlySet<string> = new Set(['quit', 'q']);

/** QEMU's human monitor without its terminal: what concerns vpmem is answered here, everything else by QEMU, in its words. */
export class QemuShell {
  readonly #shell: HmpShell;
  readonly #machine: QemuMachine;
  readonly #chardevs: ReadonlySet<string>;

  /** @param chardevs ids of the character devices of monitors, which must stay what they are */
  constructor(machine: QemuMachine, version: string, chardevs: ReadonlySet<string>, internalError: (error: unknown) => void) {
    this.#machine = machine;
    this.#chardevs = chardevs;
    this.#shell = new HmpShell({ machine, program: 'QEMU', version, chardevs: () => [], leaves: (name) => !OURS.has(name) && !LEAVE.has(name) }, internalError);
  }

  get over(): boolean {
    return this.#shell.over;
  }

  /** Whether a line is not for QEMU alone. */
  takes(line: string): boolean {
    const [first = '', second = ''] = line.trim().split(/\s+/, 2);
    return OURS.has(first === 'info' ? `info ${second}` : first) || this.#changesMonitor(first, second) || (lineCarriesState(line) && this.#machine.hasDevices);
  }

  /** Runs a line and gives back what it prints, lines ended by LF. Never rejects. @param history the oldest line first */
  async run(line: string, history: readonly string[] = []): Promise<string> {
    const [first = '', second = ''] = line.trim().split(/\s+/, 2);
    if (this.#changesMonitor(first, second)) return `Error: chardev '${second}' is that of a monitor, and a change would bypass vpmem; leave it as it is\n`;
    return await this.#shell.run(line, history);
  }

  async complete(line: string): ReturnType<HmpShell['complete']> {
    return await this.#shell.complete(line);
  }

  #changesMonitor(command: string, id: string): boolean {
    return command === 'chardev-change' && this.#chardevs.has(id);
  }
}
