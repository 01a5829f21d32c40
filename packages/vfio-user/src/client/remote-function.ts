import { closeSync } from 'node:fs';
import type { AccessWidth } from '@vpmem/layout';
import { EPOLLIN, EventFd, EventLoop } from '@vpmem/native';
import { BAR_COUNT, BAR_PREFETCHABLE, BAR_TYPE_64, PciHeader, type Bar, type MappableArea, type PciFunction, type PciHost } from '@vpmem/pci';
import {
  Command,
  DMA_MAP_READ,
  DMA_MAP_WRITE,
  DmaMap,
  IRQ_INTX,
  IRQ_MSIX,
  IRQ_SET_ACTION_TRIGGER,
  IRQ_SET_ACTION_UNMASK,
  IRQ_SET_DATA_EVENTFD,
  IRQ_SET_DATA_NONE,
  IrqSet,
  MAX_MSG_FDS,
  REGION_CONFIG,
  REGION_FLAG_CAPS,
  REGION_FLAG_MMAP,
  RegionAccess,
  RegionInfo,
  SparseMmapArea,
  SparseMmapCap,
} from '../protocol.ts';
import { findMsix, type RemoteMsix } from './remote-msix.ts';
import { VfioUserClient, type ClientOptions } from './vfio-user-client.ts';

const ROOM_FOR_AREAS = 4096;

/** Guest RAM to share with a device: what its owner says in a DMA_MAP. Sizes and addresses in bytes, whole pages. */
export interface SharedRam {
  /** Absent: the device is told of RAM that it gets no memory for. */
  readonly fd?: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * A PCI function that some vfio-user server serves, as a function of this process: what a VMM does with it. Like every
 * VMM it keeps the MSI-X table itself and tells the server only which eventfd to signal for which vector.
 */
export class RemoteFunction implements PciFunction {
  readonly configSize: number;
  readonly bars: readonly (Bar | undefined)[];
  readonly intx: boolean;
  readonly #client: VfioUserClient;
  readonly #msix: RemoteMsix | undefined;
  readonly #loop = new EventLoop();
  #vectors: EventFd[] = [];
  #intxEvent: EventFd | undefined;
  #intxPending = false;
  #host: PciHost | undefined;
  #interrupts: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(client: VfioUserClient) {
    this.#client = client;
    this.configSize = this.#regionInfo(REGION_CONFIG).size;
    this.#msix = findMsix(this);
    this.intx = this.readConfig(PciHeader.fields.interrupt_pin.offset, 1) !== 0;
    this.bars = Array.from({ length: BAR_COUNT }, (_, index) => this.#describeBar(index));
  }

  /** Connects to the server at `path`. @throws VfioUserError EBUSY if it has a client already; SystemError */
  static connect(path: string, options?: ClientOptions): RemoteFunction {
    const client = VfioUserClient.connect(path, options);
    try {
      return new RemoteFunction(client);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get msixVectors(): number {
    return this.#msix?.msix.vectors ?? 0;
  }

  /** Lets the device reach a stretch of guest RAM. */
  shareRam({ fd, offset, address, size }: SharedRam): void {
    const body = DmaMap.encode({ argsz: DmaMap.size, flags: DMA_MAP_READ | DMA_MAP_WRITE, offset, address, size });
    this.#client.request(Command.DMA_MAP, body, fd === undefined ? [] : [fd]);
  }

  readConfig(offset: number, width: AccessWidth): number {
    return this.#read(REGION_CONFIG, offset, width);
  }

  writeConfig(offset: number, width: AccessWidth, value: number): void {
    this.#write(REGION_CONFIG, offset, width, value);
    const msix = this.#msix;
    if (msix !== undefined && offset < msix.at + 4 && offset + width > msix.at + 2) this.#msixControlChanged(msix);
  }

  attach(host: PciHost): void {
    this.#host = host;
    this.#msix?.msix.connect(host.msix);
    if (this.intx) this.#enableIntx();
    this.#interrupts = this.#loop.pump();
  }

  /** Ends the connection: the server unplugs and resets the device. */
  detach(): void {
    this.#host = undefined;
    this.#msix?.msix.connect(undefined);
    this.#client.close();
    this.#loop.stop();
    this.#closed ??= this.#interrupts.then(() => this.#closeDescriptors());
  }

  /** After {@link detach}: settles when nothing of the connection is left in this process. */
  get closed(): Promise<void> {
    return this.#closed ?? this.#interrupts;
  }

  /** Delivers at once what the device has signalled so far; otherwise that happens in some later turn of node's loop. */
  deliverInterrupts(): void {
    while (this.#loop.turn(0) > 0);
  }

  reset(): void {
    this.#client.request(Command.DEVICE_RESET);
    this.#msix?.msix.reset();
  }

  #closeDescriptors(): void {
    this.#loop.close();
    for (const event of this.#vectors) event.close();
    this.#intxEvent?.close();
    for (const fd of new Set(this.bars.flatMap((bar) => bar?.areas.map((area) => area.fd) ?? []))) closeSync(fd);
  }

  #describeBar(index: number): Bar | undefined {
    const { size, flags, offset, areas, fd } = this.#regionInfo(index);
    if (size === 0) return undefined;
    const type = this.readConfig(PciHeader.fields.bar.offset + 4 * index, 1);
    const mappable: MappableArea[] = fd === undefined ? [] : areas.map((area) => ({ ...area, fd, fileOffset: offset + area.offset }));
    const table = this.#msix?.bar === index ? this.#msix : undefined;
    return {
      size,
      is64: (type & BAR_TYPE_64) !== 0,
      prefetchable: (type & BAR_PREFETCHABLE) !== 0,
      areas: (flags & REGION_FLAG_MMAP) === 0 ? [] : mappable,
      read: (at, width) => {
        const value = inTable(table, at) ? table.msix.read(at - table.tableOffset, width) : this.#read(index, at, width);
        this.#endOfIntx();
        return value;
      },
      write: (at, width, value) => {
        if (inTable(table, at)) table.msix.write(at - table.tableOffset, width, value);
        else this.#write(index, at, width, value);
        this.#endOfIntx();
      },
    };
  }

  #regionInfo(index: number): { size: number; flags: number; offset: number; areas: { offset: number; size: number }[]; fd?: number } {
    const request = RegionInfo.encode({ argsz: RegionInfo.size + ROOM_FOR_AREAS, index });
    const { body, fds } = this.#client.request(Command.DEVICE_GET_REGION_INFO, request);
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const { size, flags, offset, cap_offset } = RegionInfo.decode(view);
    const [fd] = fds;
    const common = { size, flags, offset, ...(fd !== undefined && { fd }) };
    if ((flags & REGION_FLAG_CAPS) === 0) return { ...common, areas: [{ offset: 0, size }] };
    const { nr_areas } = SparseMmapCap.decode(view, cap_offset);
    const areas = Array.from({ length: nr_areas }, (_, i) => SparseMmapArea.decode(view, cap_offset + SparseMmapCap.size + i * SparseMmapArea.size));
    return { ...common, areas };
  }

  #read(region: number, offset: number, width: AccessWidth): number {
    const { body } = this.#client.request(Command.REGION_READ, RegionAccess.encode({ offset, region, count: width }));
    return Buffer.from(body).readUIntLE(RegionAccess.size, width);
  }

  #write(region: number, offset: number, width: AccessWidth, value: number): void {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(value >>> 0);
    const access = RegionAccess.encode({ offset, region, count: width });
    this.#client.request(Command.REGION_WRITE, Buffer.concat([access, data.subarray(0, width)]));
  }

  /** The guest wrote Message Control: our copy of it follows, and the server learns where to signal. */
  #msixControlChanged({ at, msix }: RemoteMsix): void {
    const control = this.readConfig(at + 2, 2);
    const before = msix.enabled;
    msix.body[0] = control & 0xff;
    msix.body[1] = control >> 8;
    if (msix.enabled && !before) this.#enableVectors(msix.vectors);
    if (!msix.enabled && before) this.#setIrqs(IRQ_SET_DATA_NONE | IRQ_SET_ACTION_TRIGGER, IRQ_MSIX, 0, 0);
    msix.afterWrite();
  }

  #enableVectors(count: number): void {
    while (this.#vectors.length < count) {
      const vector = this.#vectors.length;
      this.#vectors.push(this.#watchEvent(() => this.#msix?.msix.trigger(vector)));
    }
    for (let start = 0; start < count; start += MAX_MSG_FDS) {
      const fds = this.#vectors.slice(start, Math.min(count, start + MAX_MSG_FDS)).map(({ fd }) => fd);
      this.#setIrqs(IRQ_SET_DATA_EVENTFD | IRQ_SET_ACTION_TRIGGER, IRQ_MSIX, start, fds.length, fds);
    }
  }

  #enableIntx(): void {
    this.#intxEvent ??= this.#watchEvent(() => {
      this.#intxPending = true;
      this.#host?.intx(true);
    });
    this.#setIrqs(IRQ_SET_DATA_EVENTFD | IRQ_SET_ACTION_TRIGGER, IRQ_INTX, 0, 1, [this.#intxEvent.fd]);
  }

  /** Any access to the device counts as the guest's having served INTx; the server signals again if there is more. */
  #endOfIntx(): void {
    if (!this.#intxPending) return;
    this.#intxPending = false;
    this.#host?.intx(false);
    this.#setIrqs(IRQ_SET_DATA_NONE | IRQ_SET_ACTION_UNMASK, IRQ_INTX, 0, 1);
  }

  #setIrqs(flags: number, index: number, start: number, count: number, fds: readonly number[] = []): void {
    this.#client.request(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags, index, start, count }), fds);
  }

  #watchEvent(handler: () => void): EventFd {
    const event = new EventFd();
    this.#loop.watch(event.fd, EPOLLIN, () => {
      event.drain();
      handler();
    });
    return event;
  }
}

function inTable(table: RemoteMsix | undefined, offset: number): table is RemoteMsix {
  return table !== undefined && offset >= table.tableOffset && offset < table.tableOffset + 16 * table.msix.vectors;
}
