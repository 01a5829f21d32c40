// What of QMP is not QEMU's alone: commands about devices and backends of ours, and those that would hurt them or lead past us.
import { asQmpError, machineHandlers } from '@vpmem/monitor/commands';
import { backendId, carriesState, refuseWithDevices, type QemuMachine } from '@vpmem/qemu';
import { checkArguments, isCommandName, qmpCommands, QmpError, type CommandName, type JsonObject, type QmpHandlers, type Writable } from '@vpmem/qmp';
import type { QemuShell } from './qemu-shell.ts';

/** Whether a command, by its arguments, is for the desk. */
type Concern = (args: JsonObject) => boolean;

/** Answers the commands at a QEMU's QMP monitor that concern vpmem; all others are QEMU's. */
export class QmpDesk {
  readonly #machine: QemuMachine;
  readonly #handlers: Readonly<Record<string, (args: unknown) => unknown>>;
  readonly #concerns: Readonly<Record<string, Concern>>;

  /** @param chardevs ids of the character devices of monitors, which must stay what they are */
  constructor(machine: QemuMachine, shell: QemuShell, chardevs: ReadonlySet<string>) {
    this.#machine = machine;
    const handlers: QmpHandlers = machineHandlers(machine, shell);
    this.#handlers = handlers as unknown as Readonly<Record<string, (args: unknown) => unknown>>;
    const always: Concern = () => true;
    const ownPath: Concern = ({ path }) => typeof path === 'string' && this.#isOwnPath(path);
    this.#concerns = {
      ...Object.fromEntries(OURS.map((name) => [name, always])),
      'query-commands': isEmpty,
      'query-memdev': (args) => isEmpty(args) && machine.backends().length > 0,
      'query-memory-devices': (args) => isEmpty(args) && machine.hasDevices,
      'query-memory-size-summary': (args) => isEmpty(args) && machine.hasDevices,
      'qom-list': ownPath,
      'qom-get': ownPath,
      'object-add': ({ 'qom-type': type, id }) => typeof id === 'string' && typeof type === 'string' && (Object.hasOwn(machine.objectTypes, type) || type.startsWith('monitor-')),
      'object-del': ({ id }) => typeof id === 'string' && (machine.ownsObject(id) || machine.knowsBackend(id)),
      device_add: ({ driver }) => typeof driver === 'string',
      device_del: ({ id }) => typeof id === 'string',
      'human-monitor-command': ({ 'command-line': line, 'cpu-index': cpu }) => typeof line === 'string' && cpu === undefined && shell.takes(line),
      'chardev-change': ({ id }) => typeof id === 'string' && chardevs.has(id),
    };
  }

  /** Whether a command is not for QEMU alone. */
  concerns(command: string, args: JsonObject): boolean {
    if (carriesState(command)) return this.#machine.hasDevices;
    return Object.hasOwn(this.#concerns, command) && (this.#concerns[command]?.(args) ?? false);
  }

  /** The answer to a command that concerns it. @throws QmpError; anything else is a defect of ours */
  async answer(command: string, args: JsonObject): Promise<Writable> {
    try {
      return (await this.#answer(command, args)) as Writable;
    } catch (error) {
      throw asQmpError(error);
    }
  }

  async #answer(command: string, args: JsonObject): Promise<unknown> {
    if (carriesState(command)) refuseWithDevices(this.#machine.ownDevices);
    if (command === 'query-commands') return [...((await this.#machine.foreign.execute(command, {})) as { name: string }[]), ...OURS.map((name) => ({ name }))];
    if (command === 'chardev-change') throw new QmpError('GenericError', `chardev '${args.id as string}' is that of a monitor, and a change would bypass vpmem; leave it as it is`);
    const checked: unknown = isCommandName(command) ? checkArguments(qmpCommands[command].arguments, args) : args;
    return await this.#handlers[command]?.(checked);
  }

  /** Objects and devices that QEMU has not, or not all of. */
  #isOwnPath(path: string): boolean {
    const [, folder = '', id] = /^\/?(objects|machine\/peripheral)(?:\/([^/]+))?/.exec(path) ?? [];
    if (folder === 'objects') return id === undefined ? this.#machine.backends().length > 0 : this.#machine.ownsObject(id);
    if (folder !== '') return id !== undefined && this.#machine.ownsDevice(id);
    return this.#machine.ownsObject(backendId(path) ?? '') || this.#machine.ownsDevice(path);
  }
}

/** Commands that QEMU does not have. */
const OURS = (Object.keys(qmpCommands) as CommandName[]).filter((name) => 'ours' in qmpCommands[name]);

function isEmpty(args: JsonObject): boolean {
  return Object.keys(args).length === 0;
}
