import { Command, DeviceInfo, DmaMap, DmaUnmap, Header, IrqInfo, IrqSet, REGION_CONFIG, RegionAccess, RegionInfo, Version } from '../protocol.ts';

/** A message as a client sends it. */
export interface ClientBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BODIES = {
  VERSION: Buffer.concat([Version.encode({ major: 0, minor: 1 }), Buffer.from('{"capabilities":{}}\0')]),
  DMA_MAP: DmaMap.encode({ argsz: DmaMap.size, flags: 3, address: 0x10_0000, size: 4096 }),
  DMA_UNMAP: DmaUnmap.encode({ argsz: DmaUnmap.size, address: 0x10_0000, size: 4096 }),
  DEVICE_GET_INFO: DeviceInfo.encode({ argsz: DeviceInfo.size }),
  DEVICE_GET_REGION_INFO: RegionInfo.encode({ argsz: 4096, index: 2 }),
  DEVICE_GET_REGION_IO_FDS: RegionInfo.encode({ argsz: 4096, index: 2 }),
  DEVICE_GET_IRQ_INFO: IrqInfo.encode({ argsz: IrqInfo.size, index: 2 }),
  DEVICE_SET_IRQS: IrqSet.encode({ argsz: IrqSet.size, flags: 0x24, index: 2, start: 0, count: 1 }),
  REGION_READ: RegionAccess.encode({ offset: 0, region: REGION_CONFIG, count: 64 }),
  REGION_WRITE: Buffer.concat([RegionAccess.encode({ offset: 4, region: REGION_CONFIG, count: 2 }), Buffer.from([2, 0])]),
  DMA_READ: RegionAccess.encode({ offset: 0, region: 0, count: 16 }),
  DMA_WRITE: RegionAccess.encode({ offset: 0, region: 0, count: 16 }),
  DEVICE_RESET: new Uint8Array(0),
} satisfies Record<keyof typeof Command, Uint8Array>;

/** One whole message of every command there is, for whoever wants to send it, or part of it. */
export const everyMessage: readonly ClientBytes[] = Object.entries(Command).map(([name, cmd]) => {
  const body = BODIES[name as keyof typeof Command];
  return { name, bytes: Buffer.concat([Header.encode({ msg_id: 1, cmd, msg_size: Header.size + body.length }), body]) };
});
