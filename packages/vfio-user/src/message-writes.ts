import { savedHex, type SavedObject } from '@vpmem/layout';
import { Command, DmaAccess, FLAG_TYPE_COMMAND, Header } from './protocol.ts';

/** Messages a client owes an answer for; a function has no more vectors. */
const MOST_OPEN = 2048;

interface OpenWrite {
  readonly id: number;
  /** The same message has to leave once more when this one has arrived. */
  again: boolean;
}

/** Messages that are on their way. */
export interface MessageWritesState {
  readonly nextId: number;
  readonly open: readonly {
    readonly id: number;
    /** Where it is written, in hexadecimal. */
    readonly address: string;
    readonly data: number;
    /** Whether it leaves once more when it has arrived. */
    readonly again: boolean;
  }[];
}

/**
 * MSI-X messages of a function whose table is kept on this side, as the memory writes that they are (vfio-user 0.2,
 * VFIO_USER_DMA_WRITE). Of each message one is on its way at a time: what is to be sent meanwhile is one more, however often.
 */
export class MessageWrites {
  readonly #send: (message: Uint8Array) => void;
  /** By what is written where. */
  readonly #open = new Map<string, OpenWrite>();
  #nextId = 0;

  constructor(send: (message: Uint8Array) => void) {
    this.#send = send;
  }

  write(address: bigint, data: number): void {
    const key = keyOf(address, data);
    const open = this.#open.get(key);
    if (open !== undefined) {
      open.again = true;
      return;
    }
    // Only a guest that moves its messages about while its VM stands still gets here, and loses interrupts of its own.
    if (this.#open.size >= MOST_OPEN) return;
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    this.#open.set(key, { id, again: false });
    this.#send(dmaWrite(id, address, data));
  }

  /** The client has answered, well or badly. @returns false if it was not asked */
  answered(id: number): boolean {
    const [key, open] = [...this.#open].find(([, each]) => each.id === id) ?? [];
    if (key === undefined || open === undefined) return false;
    this.#open.delete(key);
    if (open.again) {
      const { address, data } = parse(key);
      this.write(address, data);
    }
    return true;
  }

  /** With `open` false nothing of what is on its way. */
  save(open: boolean): MessageWritesState {
    if (!open) return { nextId: this.#nextId, open: [] };
    const list = [...this.#open].map(([key, { id, again }]) => {
      const { address, data } = parse(key);
      return { id, address: savedHex(address), data, again };
    });
    return { nextId: this.#nextId, open: list };
  }

  /** @throws RangeError for a state that is none */
  restore(state: SavedObject): void {
    this.#nextId = state.number('nextId', 0xffff);
    const open = state.objects('open');
    if (open.length > MOST_OPEN) throw state.wrong('open', `a list of at most ${MOST_OPEN}`);
    for (const each of open) {
      this.#open.set(keyOf(each.hex('address'), each.number('data', 0xffff_ffff)), { id: each.number('id', 0xffff), again: each.boolean('again') });
    }
  }
}

function keyOf(address: bigint, data: number): string {
  return `${address} ${data}`;
}

function parse(key: string): { readonly address: bigint; readonly data: number } {
  const [address = '0', data = '0'] = key.split(' ');
  return { address: BigInt(address), data: Number(data) };
}

function dmaWrite(id: number, address: bigint, data: number): Uint8Array {
  const message = new Uint8Array(Header.size + DmaAccess.size + 4);
  const view = new DataView(message.buffer);
  Header.write(view, 0, { msg_id: id, cmd: Command.DMA_WRITE, msg_size: message.length, flags: FLAG_TYPE_COMMAND, error_no: 0 });
  // An address is the guest's choice, and may be any.
  view.setBigUint64(Header.size + DmaAccess.fields.address.offset, address, true);
  DmaAccess.fields.count.set(view, Header.size, 4);
  view.setUint32(Header.size + DmaAccess.size, data, true);
  return message;
}
