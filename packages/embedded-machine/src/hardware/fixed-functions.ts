import { PciEndpoint, type PciFunction } from '@vpmem/pci';
import type { MachineFamily } from '../machine-properties.ts';

const INTEL = 0x8086;
const SUBSYSTEM_VENDOR = 0x1af4;
const SUBSYSTEM = 0x1100;
const HOST_BRIDGE = 0x060000;
const ISA_BRIDGE = 0x060100;

/** A function that is there from the start and stays. */
export interface FixedFunction {
  readonly slot: number;
  /** QEMU's name of its type. */
  readonly type: string;
  readonly function: PciFunction;
}

interface Identity {
  readonly slot: number;
  readonly type: string;
  readonly deviceId: number;
  readonly revision: number;
  readonly classCode: number;
}

/** Slots and identities as in QEMU, so that the first free slot is the same. The bridges bridge nothing here. */
const IDENTITIES: Readonly<Record<MachineFamily, readonly Identity[]>> = {
  pc: [
    { slot: 0, type: 'i440FX', deviceId: 0x1237, revision: 2, classCode: HOST_BRIDGE },
    { slot: 1, type: 'PIIX3', deviceId: 0x7000, revision: 0, classCode: ISA_BRIDGE },
  ],
  q35: [
    { slot: 0, type: 'mch', deviceId: 0x29c0, revision: 0, classCode: HOST_BRIDGE },
    { slot: 31, type: 'ICH9-LPC', deviceId: 0x2918, revision: 2, classCode: ISA_BRIDGE },
  ],
};

export function fixedFunctions(family: MachineFamily): FixedFunction[] {
  return IDENTITIES[family].map(({ slot, type, deviceId, revision, classCode }) => ({
    slot,
    type,
    function: new PciEndpoint({
      vendorId: INTEL,
      deviceId,
      revision,
      classCode,
      subsystemVendorId: SUBSYSTEM_VENDOR,
      subsystemId: SUBSYSTEM,
      bars: [],
      capabilities: [],
      intx: false,
      onReset: () => undefined,
      onDecodeChange: () => undefined,
    }),
  }));
}
