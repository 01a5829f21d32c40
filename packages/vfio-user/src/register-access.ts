import type { AccessWidth } from '@vpmem/layout';
import type { PciFunction } from '@vpmem/pci';
import type { Message } from './incoming-messages.ts';
import { Command, FLAG_TYPE_COMMAND, FLAG_TYPE_REPLY, Header, RegionAccess } from './protocol.ts';

const { offset: offsetField, region: regionField, count: countField } = RegionAccess.fields;
const { msg_id, cmd, msg_size, flags, error_no } = Header.fields;
const DATA_AT = Header.size + RegionAccess.size;
const WIDEST = 4;

/**
 * REGION_READ and REGION_WRITE of one register: nearly every message of a guest at work, and it stands still until the reply. They
 * mean what they mean in every other case, only that nothing is allocated for them.
 */
export class RegisterAccess {
  readonly #pci: PciFunction;
  readonly #reply = new Uint8Array(DATA_AT + WIDEST);
  readonly #view = new DataView(this.#reply.buffer);
  /** By the bytes of data in them. */
  readonly #replies = Array.from({ length: WIDEST + 1 }, (_, bytes) => this.#reply.subarray(0, DATA_AT + bytes));

  constructor(pci: PciFunction) {
    this.#pci = pci;
  }

  /** Carries out an access to a register of a BAR without memory to map, and returns the reply, valid until the next; undefined for all others. */
  reply({ id, command, flags: flag, body, view, fds }: Message): Uint8Array | undefined {
    const reads = command === Command.REGION_READ;
    if ((!reads && command !== Command.REGION_WRITE) || flag !== FLAG_TYPE_COMMAND || fds.length > 0 || body.length < RegionAccess.size) return undefined;
    const width = countField.get(view, 0);
    const offset = offsetField.get(view, 0);
    const region = regionField.get(view, 0);
    if ((width !== 1 && width !== 2 && width !== 4) || offset % width !== 0) return undefined;
    const bar = this.#pci.bars[region];
    if (bar === undefined || bar.areas.length > 0 || offset + width > bar.size) return undefined;
    if (reads) this.#put(bar.read(offset, width), width);
    else if (body.length === RegionAccess.size + width) bar.write(offset, width, valueOf(view, width));
    else return undefined;
    const reply = this.#replies[reads ? width : 0];
    offsetField.set(this.#view, Header.size, offset);
    regionField.set(this.#view, Header.size, region);
    countField.set(this.#view, Header.size, width);
    msg_id.set(this.#view, 0, id);
    cmd.set(this.#view, 0, command);
    msg_size.set(this.#view, 0, reply?.length ?? 0);
    flags.set(this.#view, 0, FLAG_TYPE_REPLY);
    error_no.set(this.#view, 0, 0);
    return reply;
  }

  #put(value: number, width: AccessWidth): void {
    if (width === 1) this.#view.setUint8(DATA_AT, value);
    else if (width === 2) this.#view.setUint16(DATA_AT, value, true);
    else this.#view.setUint32(DATA_AT, value, true);
  }
}

/** What is to be written: the data follows the access. */
function valueOf(view: DataView, width: AccessWidth): number {
  if (width === 1) return view.getUint8(RegionAccess.size);
  return width === 2 ? view.getUint16(RegionAccess.size, true) : view.getUint32(RegionAccess.size, true);
}
