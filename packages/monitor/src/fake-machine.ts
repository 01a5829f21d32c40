import { container, MachineError, type AddedDevice, type BackendInfo, type BusInfo, type FailureControl, type ForeignMonitor, type GuestConsole, type ManagedMachine, type MachineEvent, type MemoryDeviceInfo, type MemoryRegionInfo, type MemorySize, type ObjectNode, type PciBusInfo, type PmemInfo, type RunState } from '@vpmem/machine';
import { defineProperties, property, readProperties, type PropertySource } from '@vpmem/options';
import { FakeRecordings } from './fake-recordings.ts';

const fileProperties = defineProperties({
  'qom-type': property.string({ required: true }),
  id: property.identifier({ required: true, description: 'name of the object' }),
  size: property.size({ required: true, description: 'bytes of memory' }),
  'mem-path': property.string({ required: true, description: 'file' }),
  share: property.bool({ default: false, description: 'guest writes reach the file' }),
  prealloc: property.bool({ default: false }),
  rom: property.oneOf(['auto', 'on', 'off'], { default: 'auto' }),
  align: property.size({ default: 4096 }),
});

const pmemProperties = defineProperties({
  driver: property.string({ required: true }),
  id: property.identifier({ description: 'name of the device' }),
  memdev: property.string({ required: true, description: 'id of its memory backend' }),
  vectors: property.int({ default: 2, max: 2048, description: 'MSI-X vectors; 0: INTx' }),
  bus: property.string(),
  memaddr: property.refused('it is a test'),
});

/** A machine in memory with just enough of everything for a monitor to show. */
export class FakeMachine implements ManagedMachine {
  name: string | undefined = 'fake';
  readonly objectTypes = { 'memory-backend-file': fileProperties };
  readonly deviceTypes = { 'virtio-pmem-pci': pmemProperties };
  foreign?: ForeignMonitor;
  guest?: GuestConsole;
  readonly failures: FailureControl = {
    powerCut: (device, request) =>
      attempt(() => {
        this.#known(device);
        this.calls.push(`powerCut ${device} ${JSON.stringify(request)}`);
        return request.atFlush === undefined ? { flush: undefined, lostBytes: 12, survivedBytes: 3, seed: request.seed ?? 1, image: request.image } : undefined;
      }),
    flushFault: (device, request) =>
      attempt(() => {
        this.#known(device);
        this.calls.push(`flushFault ${device} ${JSON.stringify(request)}`);
      }),
    flushLimit: (device, request) =>
      attempt(() => {
        this.#known(device);
        this.calls.push(`flushLimit ${device} ${JSON.stringify(request)}`);
      }),
  };
  /** What was called, in order. */
  readonly calls: string[] = [];
  readonly recordings = new FakeRecordings(this.calls, (device) => this.#known(device));
  state: RunState = 'running';
  pmemInfo: PmemInfo[] = [];
  buses: PciBusInfo[] = [];
  /** What the next `addObject` waits for. */
  gate: Promise<void> = Promise.resolve();
  /** Given to whoever plugs a device in. */
  plug: Readonly<Record<string, unknown>> | undefined;
  readonly #backends = new Map<string, BackendInfo>();
  readonly #devices = new Map<string, MemoryDeviceInfo>();
  readonly #listeners = new Set<(event: MachineEvent) => void>();

  runState(): RunState {
    return this.state;
  }

  async addObject(source: PropertySource): Promise<void> {
    const { id, size, share, prealloc, 'mem-path': path } = readProperties(fileProperties, source);
    await this.gate;
    if (this.#backends.has(id)) throw new MachineError('duplicate-id', 'id', `there is an object '${id}' already`);
    this.#backends.set(id, { id, type: 'memory-backend-file', size, share, prealloc, reserve: true, policy: 'default', hostNodes: [], path, user: undefined });
  }

  deleteObject(id: string): Promise<void> {
    return attempt(() => {
      const backend = this.#backends.get(id);
      if (backend === undefined) throw new MachineError('object-missing', 'id', `object '${id}' not found`);
      if (backend.user !== undefined) throw new MachineError('object-busy', 'id', `object '${id}' is in use`);
      this.#backends.delete(id);
    });
  }

  addDevice(source: PropertySource): Promise<AddedDevice> {
    return attempt(() => {
      const { id, memdev } = readProperties(pmemProperties, source);
      const backend = this.#backends.get(memdev);
      if (backend === undefined) throw new MachineError('memdev-missing', 'memdev', `Device '${memdev}' not found`);
      const path = `/machine/peripheral/${id ?? memdev}`;
      this.#backends.set(memdev, { ...backend, user: path });
      this.#devices.set(id ?? memdev, { type: 'virtio-pmem', id, memdev: `/objects/${memdev}`, memaddr: 0x1_4000_0000n, size: backend.size });
      return { id, path, plug: this.plug };
    });
  }

  deleteDevice(id: string, { wait = false }: { readonly wait?: boolean } = {}): Promise<void> {
    return attempt(() => {
      this.calls.push(`deleteDevice ${id} ${wait}`);
      if (!this.#devices.delete(id)) throw new MachineError('device-missing', 'id', `Device '${id}' not found`);
      this.emit({ name: 'DEVICE_DELETED', data: { device: id, path: `/machine/peripheral/${id}` } });
    });
  }

  tree(): ObjectNode {
    const backends = [...this.#backends.values()].map(({ id, type, size }) => [
      id,
      { type, properties: { type: { type: 'string', value: type }, size: { type: 'int', value: size }, 'host-nodes': { type: 'int', value: [] }, secret: { type: 'string', value: undefined } }, children: {} },
    ]);
    const devices = [...this.#devices.keys()].map((id) => [id, container({}, 'virtio-pmem-pci')]);
    return container({
      objects: container(Object.fromEntries(backends) as Record<string, ObjectNode>),
      machine: container({ peripheral: container(Object.fromEntries(devices) as Record<string, ObjectNode>) }, 'fake-machine'),
    });
  }

  backends(): readonly BackendInfo[] {
    return [...this.#backends.values()];
  }

  memoryDevices(): Promise<readonly MemoryDeviceInfo[]> {
    return Promise.resolve([...this.#devices.values()]);
  }

  memorySize(): MemorySize {
    return { base: 2 ** 28, plugged: 0 };
  }

  pciBuses(): Promise<readonly PciBusInfo[]> {
    return Promise.resolve(this.buses);
  }

  mainBus(): Promise<BusInfo> {
    const pci: BusInfo = { name: 'pci.0', type: 'PCI', devices: [{ type: 'virtio-pmem-pci', id: 'nv1', properties: [['vectors', '2 (0x2)']], buses: [] }] };
    return Promise.resolve({ name: 'main-system-bus', type: 'System', devices: [{ type: 'i440FX-pcihost', id: undefined, properties: [], buses: [pci] }] });
  }

  addressSpaces(): Promise<readonly { readonly name: string; readonly root: MemoryRegionInfo }[]> {
    const leaf = (name: string, start: bigint, size: bigint, type: MemoryRegionInfo['type']): MemoryRegionInfo => ({ name, start, size, type, children: [] });
    const window = { ...leaf('device-memory', 2n ** 32n, 2n ** 31n, 'container'), children: [leaf('mem1', 2n ** 32n, 2n ** 26n, 'ram')] };
    const root = { ...leaf('system', 0n, 2n ** 64n, 'container'), children: [leaf('ram', 0n, 2n ** 28n, 'ram'), window] };
    return Promise.resolve([{ name: 'memory', root }]);
  }

  pmem(): Promise<readonly PmemInfo[]> {
    return Promise.resolve(this.pmemInfo);
  }

  stop(): Promise<void> {
    return this.#become('paused', { name: 'STOP', data: {} });
  }

  cont(): Promise<void> {
    return this.#become('running', { name: 'RESUME', data: {} });
  }

  reset(): Promise<void> {
    return this.#become(this.state, { name: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' } });
  }

  quit(): Promise<void> {
    return this.#become('shutdown', { name: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } });
  }

  onEvent(listener: (event: MachineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many listen to its events. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Lets something happen. */
  emit(event: MachineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #known(device: string): void {
    if (!this.#devices.has(device)) throw new MachineError('device-missing', 'id', `Device '${device}' not found`);
  }

  #become(state: RunState, event: MachineEvent): Promise<void> {
    this.calls.push(event.name);
    this.state = state;
    this.emit(event);
    return Promise.resolve();
  }
}

/** A synchronous change whose errors are rejections, as a real machine's are. */
async function attempt<T>(change: () => T): Promise<T> {
  await Promise.resolve();
  return change();
}
