import { MachineError } from '@vpmem/machine';
import { MAX_SLOTS } from '@vpmem/pci';

/** The slot that `addr=` names: `5`, `5.0` or `0x5.0x0`, hexadecimal as in QEMU. @throws MachineError */
export function parsePciAddress(label: string, text: string): number {
  const [, slotText, functionText = '0'] = /^(?:0x)?([0-9a-f]{1,2})(?:\.(?:0x)?([0-7]))?$/i.exec(text) ?? [];
  const slot = Number.parseInt(slotText ?? '', 16);
  if (!(slot < MAX_SLOTS)) {
    throw new MachineError('bus-slot', 'addr', `device '${label}': addr=${text} is no slot; write one from 0 to 1f, hexadecimal`);
  }
  if (functionText !== '0') {
    throw new MachineError('bus-slot', 'addr', `device '${label}': addr=${text} names function ${functionText}; a slot has one function here, so leave it out`);
  }
  return slot;
}
