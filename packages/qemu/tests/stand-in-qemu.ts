import { connect, type Socket } from 'node:net';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { pcTree, q35Tree, rootPort, type FakeDevice } from './qom-tree.ts';
import type { QemuConnection } from '../src/running/qemu-connection.ts';

type Answers = Record<string, (args: Readonly<Record<string, unknown>>) => unknown>;

/** What a command is refused with. */
export class Refusal extends Error {
  readonly errorClass: string;

  constructor(message: string, errorClass = 'GenericError') {
    super(message);
    this.errorClass = errorClass;
  }
}

interface Plugged {
  readonly id: string;
  readonly bus: string | undefined;
  readonly remote: RemoteFunction;
}

/**
 * What takes QEMU's part: it connects where QEMU would, speaks QMP, and plugs devices in by connecting to their sockets. It
 * is a pc without devices; `answers` changes what it says.
 */
export class StandInQemu {
  readonly asked: string[] = [];
  readonly plugged = new Map<string, Plugged>();
  /** What is plugged in where. */
  tree: () => ReturnType<typeof pcTree> = () => pcTree(this.#devices());
  readonly answers: Answers = {
    qmp_capabilities: () => ({}),
    'query-version': () => ({ qemu: { major: 11, minor: 1, micro: 3 }, package: '' }),
    'query-status': () => ({ running: true, status: 'running' }),
    'query-memdev': () => [{ id: 'ram', share: true }],
    'query-memory-devices': () => [],
    'query-memory-size-summary': () => ({ 'base-memory': 2 ** 29, 'plugged-memory': 0 }),
    'query-cpus-fast': () => [{ 'qom-path': '/cpu' }],
    'query-pci': () => [{ bus: 0, devices: [...this.plugged.values()].map(({ id }, i) => pciDevice(id, i + 4)) }],
    'qom-get': ({ path, property }) => {
      const found = this.tree().get(String(path))?.find(({ name }) => name === property);
      if (found !== undefined) return found.value;
      const values: Record<string, unknown> = { '/machine type': 'pc-i440fx-11.1-machine', '/machine memory-backend': '/objects/ram', '/cpu phys-bits': 40, '/cpu vendor': 'GenuineIntel', ...holes };
      return values[`${String(path)} ${String(property)}`];
    },
    'qom-list': ({ path }) => (path === '/machine/peripheral' ? [...this.plugged.keys()].map((name) => ({ name, type: 'child<vfio-user-pci>' })) : [{ name: 'ram', type: 'child<memory-backend-memfd>' }]),
    'qom-list-get': ({ paths }) => (paths as string[]).map((path) => ({ properties: this.tree().get(path) ?? refuse(`Device '${path}' not found`, 'DeviceNotFound') })),
    device_add: ({ id, bus, socket }) => this.plug(String(id), bus as string | undefined, (socket as { path: string }).path),
    device_del: ({ id }) => (this.plugged.has(String(id)) ? {} : refuse(`Device '${String(id)}' not found`, 'DeviceNotFound')),
    stop: () => ({}),
    cont: () => ({}),
    system_reset: () => ({}),
    'object-add': () => ({}),
    'object-del': () => ({}),
    'human-monitor-command': () => '',
  };
  readonly #socket: Socket;

  constructor({ args }: QemuConnection) {
    const path = /path=(.*)$/.exec(args[1] ?? '')?.[1] ?? '';
    this.#socket = connect(path);
    this.#socket.setEncoding('utf8');
    this.#socket.on('error', () => undefined);
    let rest = '';
    this.#socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) void this.#answer(JSON.parse(line) as { execute: string; arguments?: Record<string, unknown>; id: number });
    });
    this.#say({ QMP: { version: { qemu: { major: 11, minor: 1, micro: 3 }, package: '' }, capabilities: [] } });
  }

  /** A q35 with one root port. */
  becomeQ35(port: string): void {
    const { 'qom-get': get, 'query-pci': query } = this.answers;
    this.answers['qom-get'] = (args) => (args.property === 'type' ? 'pc-q35-11.1-machine' : get?.(args));
    this.answers['query-pci'] = (args) => {
      const [{ devices }] = query?.(args) as [{ devices: object[] }];
      return [{ bus: 0, devices: [{ ...pciDevice(port, 1), pci_bridge: { bus: { number: 0, secondary: 0, subordinate: 0 }, devices } }] }];
    };
    this.tree = () => q35Tree([rootPort(port, 1, this.#devices().map((device) => ({ ...device, slot: 0 })))]);
  }

  plug(id: string, bus: string | undefined, path: string): object {
    this.plugged.set(id, { id, bus, remote: RemoteFunction.connect(path) });
    return {};
  }

  /** The guest gives a device up, and QEMU with it. */
  unplug(id: string): void {
    this.plugged.get(id)?.remote.detach();
    this.plugged.delete(id);
    this.event('DEVICE_DELETED', { device: id, path: `/machine/peripheral/${id}` });
  }

  event(event: string, data?: object): void {
    this.#say({ timestamp: { seconds: 1, microseconds: 2 }, event, ...(data !== undefined && { data }) });
  }

  /** As when it is killed. */
  die(): void {
    for (const { remote } of this.plugged.values()) remote.detach();
    this.plugged.clear();
    this.#socket.destroy();
  }

  #devices(): FakeDevice[] {
    return [...this.plugged.keys()].map((path, i) => ({ path, type: 'vfio-user-pci', slot: i + 4 }));
  }

  async #answer({ execute, arguments: args = {}, id }: { execute: string; arguments?: Record<string, unknown>; id: number }): Promise<void> {
    this.asked.push(execute);
    try {
      const answer = this.answers[execute] ?? refuse(`The command ${execute} has not been found`, 'CommandNotFound');
      this.#say({ return: await answer(args), id });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#say({ error: { class: error.errorClass, desc: error.message }, id });
    }
  }

  #say(message: object): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(message)}\r\n`);
  }
}

const holes = {
  '/machine/i440fx pci-hole64-start': 2 ** 32,
  '/machine/i440fx pci-hole64-end': 2 ** 32 + 2 ** 31,
  '/machine/i440fx pci-hole-start': 2 ** 29,
  '/machine/i440fx pci-hole-end': 0xfec0_0000,
};

function pciDevice(id: string, slot: number): object {
  return { bus: 0, slot, function: 0, class_info: { class: 255 }, id: { vendor: 0x1af4, device: 0x105b }, irq_pin: 0, qdev_id: id, regions: [] };
}

export function refuse(message: string, errorClass?: string): never {
  throw new Refusal(message, errorClass);
}
