import { closeSync } from 'node:fs';
import { GuestMemory } from '@vpmem/guest-memory';
import type { Members, Struct, ValuesOf } from '@vpmem/layout';
import { SystemError, type EventLoop } from '@vpmem/native';
import type { MsixDelivery, PciFunction, PciHost } from '@vpmem/pci';
import { coverMsix, isCopy } from './covered-msix.ts';
import { DmaRegions, type DmaResult } from './dma-regions.ts';
import { IrqLines } from './irq-lines.ts';
import { MessageWrites } from './message-writes.ts';
import { MessageStream, type Message, type MessageSink } from './message-stream.ts';
import {
  Command,
  DEVICE_FLAGS_PCI,
  DEVICE_FLAGS_RESET,
  DeviceInfo,
  DmaMap,
  DmaUnmap,
  Errno,
  FLAG_ERROR,
  FLAG_NO_REPLY,
  FLAG_TYPE_COMMAND,
  FLAG_TYPE_MASK,
  FLAG_TYPE_REPLY,
  Header,
  IRQ_MSIX,
  IrqInfo,
  IrqSet,
  MAX_DATA_XFER_SIZE,
  NUM_IRQS,
  NUM_REGIONS,
  REGION_CONFIG,
  RegionAccess,
  RegionInfo,
} from './protocol.ts';
import { readRegion, regionSize, writeRegion } from './region-access.ts';
import { regionInfo } from './region-info.ts';
import { negotiate } from './version.ts';

/** What a session needs to know of the server it belongs to. */
export interface SessionOwner {
  readonly pci: PciFunction;
  readonly loop: EventLoop;
  /** Whether the function's MSI-X is kept on this side, and no client's business. */
  readonly keepsMsix: boolean;
  /** A client has introduced itself; false if the device is already somebody's. */
  claim(session: Session): boolean;
  /** The session is over. */
  ended(session: Session, reason?: string): void;
  /** Something a person looking for trouble would want to read. */
  remark(text: string): void;
}

/** What a command is answered with. */
type Answer = { readonly errno: number; readonly detail?: string } | { readonly body?: Uint8Array; readonly fds?: readonly number[] };
type Handler = (body: Uint8Array, fds: number[]) => Answer;

const DONE: Answer = {};
const INVALID: Answer = { errno: Errno.EINVAL };

/** One client and its conversation with the device. */
export class Session implements MessageSink {
  readonly #owner: SessionOwner;
  readonly #stream: MessageStream;
  readonly #memory = new GuestMemory();
  readonly #dma = new DmaRegions(this.#memory);
  readonly #irqs: IrqLines;
  readonly #messages = new MessageWrites((message) => this.#stream.send(message));
  #claimed = false;

  /** Takes over the connected socket `fd`. */
  constructor(fd: number, owner: SessionOwner) {
    this.#owner = owner;
    this.#irqs = new IrqLines([owner.pci.intx ? 1 : 0, 0, owner.keepsMsix ? 0 : owner.pci.msixVectors, 1, 1], owner.loop);
    this.#stream = new MessageStream(fd, owner.loop, this);
  }

  message({ id, command, flags, body, fds }: Message): void {
    if ((flags & FLAG_TYPE_MASK) === FLAG_TYPE_REPLY && command === Command.DMA_WRITE && fds.length === 0 && this.#messages.answered(id)) return;
    if ((flags & FLAG_TYPE_MASK) !== FLAG_TYPE_COMMAND) return this.#abandon(fds, `a reply (id ${id}) to a question nobody asked`);
    if (!this.#claimed && command !== Command.VERSION) return this.#abandon(fds, `command ${command} before VERSION`);
    const answer = this.#answer(command, body, fds);
    if ('errno' in answer) {
      this.#owner.remark(`command ${command} refused with errno ${answer.errno}${answer.detail === undefined ? '' : `: ${answer.detail}`}`);
    }
    if ((flags & FLAG_NO_REPLY) === 0) this.#reply(id, command, answer);
    if (!this.#claimed) this.close('VERSION was refused');
  }

  ended(reason?: string): void {
    this.close(reason);
  }

  /** Reads nothing more for so long, in milliseconds. */
  pause(milliseconds: number): void {
    this.#stream.pause(milliseconds);
  }

  /** Ends the conversation and leaves nothing of the client's behind. */
  close(reason?: string): void {
    this.#stream.close();
    if (this.#claimed) this.#owner.pci.detach();
    this.#claimed = false;
    this.#irqs.close();
    this.#dma.clear();
    this.#owner.ended(this, reason);
  }

  /** vfio-user 0.2, what this server does for each command. */
  readonly #handlers: Partial<Record<number, Handler>> = {
    [Command.VERSION]: (body) => this.#version(body),
    [Command.DMA_MAP]: (body, fds) => {
      const request = decode(DmaMap, body);
      return request === undefined ? INVALID : this.#dmaAnswer(this.#dma.map(request, fds.splice(0)));
    },
    [Command.DMA_UNMAP]: (body) => {
      const request = decode(DmaUnmap, body);
      return request === undefined ? INVALID : this.#dmaAnswer(this.#dma.unmap(request), DmaUnmap.encode(request));
    },
    [Command.DEVICE_GET_INFO]: () => ({
      body: DeviceInfo.encode({
        argsz: DeviceInfo.size,
        flags: DEVICE_FLAGS_RESET | DEVICE_FLAGS_PCI,
        num_regions: NUM_REGIONS,
        num_irqs: NUM_IRQS,
      }),
    }),
    [Command.DEVICE_GET_REGION_INFO]: (body) => {
      const request = decode(RegionInfo, body);
      if (request === undefined || request.index >= NUM_REGIONS) return INVALID;
      return regionInfo(this.#owner.pci, request.index, request.argsz);
    },
    [Command.DEVICE_GET_IRQ_INFO]: (body) => {
      const request = decode(IrqInfo, body);
      if (request === undefined || request.index >= NUM_IRQS) return INVALID;
      return { body: IrqInfo.encode({ argsz: IrqInfo.size, index: request.index, ...this.#irqs.info(request.index) }) };
    },
    [Command.DEVICE_SET_IRQS]: (body, fds) => {
      const request = decode(IrqSet, body);
      if (request === undefined) return INVALID;
      const errno = this.#irqs.set({ ...request, data: body.subarray(IrqSet.size), fds: fds.splice(0) });
      return errno === undefined ? DONE : { errno };
    },
    [Command.REGION_READ]: (body) => this.#regionRead(body),
    [Command.REGION_WRITE]: (body) => this.#regionWrite(body),
    [Command.DEVICE_RESET]: () => {
      this.#owner.pci.reset();
      return DONE;
    },
  };

  /** Carries out a command; a descriptor no handler took is closed, and one that belongs nowhere makes the command invalid. */
  #answer(command: number, body: Uint8Array, fds: number[]): Answer {
    const takesFds = command === Command.DMA_MAP || command === Command.DEVICE_SET_IRQS;
    try {
      if (fds.length > 0 && !takesFds) return { errno: Errno.EINVAL, detail: `${fds.length} descriptors where none belong` };
      return this.#handlers[command]?.(body, fds) ?? { errno: Errno.EINVAL, detail: 'no such command' };
    } catch (error) {
      if (error instanceof SystemError) return { errno: error.errno, detail: error.message };
      throw error;
    } finally {
      for (const fd of fds.splice(0)) closeSync(fd);
    }
  }

  #version(body: Uint8Array): Answer {
    if (this.#claimed) return { errno: Errno.EINVAL, detail: 'VERSION a second time' };
    const negotiation = negotiate(body);
    if (negotiation.code === 'refused') return negotiation;
    if (!this.#owner.claim(this)) return { errno: Errno.EBUSY, detail: 'the device has a client already' };
    this.#claimed = true;
    this.#owner.pci.attach(this.#host);
    return { body: negotiation.reply };
  }

  #dmaAnswer(result: DmaResult, body?: Uint8Array): Answer {
    return result ?? (body === undefined ? DONE : { body });
  }

  #regionRead(body: Uint8Array): Answer {
    const request = decode(RegionAccess, body);
    if (request === undefined || !this.#reaches(request)) return INVALID;
    const answer = new Uint8Array(RegionAccess.size + request.count);
    RegionAccess.write(new DataView(answer.buffer), 0, request);
    const data = answer.subarray(RegionAccess.size);
    readRegion(this.#owner.pci, request.region, request.offset, data);
    if (this.#owner.keepsMsix && isCopy(request)) coverMsix(this.#owner.pci, request.offset, data);
    return { body: answer };
  }

  #regionWrite(body: Uint8Array): Answer {
    const request = decode(RegionAccess, body);
    if (request === undefined || !this.#reaches(request) || body.length < RegionAccess.size + request.count) return INVALID;
    writeRegion(this.#owner.pci, request.region, request.offset, body.subarray(RegionAccess.size, RegionAccess.size + request.count));
    return { body: body.slice(0, RegionAccess.size) };
  }

  /** Configuration accesses are never refused, wherever they go: some clients wait for ever for the answer they expect. */
  #reaches({ region, offset, count }: ValuesOf<(typeof RegionAccess)['members']>): boolean {
    if (region >= NUM_REGIONS || count > MAX_DATA_XFER_SIZE) return false;
    return region === REGION_CONFIG || offset + count <= regionSize(this.#owner.pci, region);
  }

  #reply(id: number, command: number, answer: Answer): void {
    const failed = 'errno' in answer;
    const body = failed ? undefined : answer.body;
    const message = new Uint8Array(Header.size + (body?.length ?? 0));
    Header.write(new DataView(message.buffer), 0, {
      msg_id: id,
      cmd: command,
      msg_size: message.length,
      flags: failed ? FLAG_TYPE_REPLY | FLAG_ERROR : FLAG_TYPE_REPLY,
      error_no: failed ? answer.errno : 0,
    });
    if (body !== undefined) message.set(body, Header.size);
    this.#stream.send(message, failed ? [] : answer.fds);
  }

  #abandon(fds: number[], reason: string): void {
    for (const fd of fds) closeSync(fd);
    this.close(reason);
  }

  get #msix(): MsixDelivery {
    if (this.#owner.keepsMsix) return { kind: 'messages', write: (address, data) => this.#messages.write(address, data) };
    return { kind: 'vectors', signal: (vector) => this.#irqs.signal(IRQ_MSIX, vector) };
  }

  get #host(): PciHost {
    return {
      memory: this.#memory,
      msix: this.#msix,
      intx: (asserted) => this.#irqs.setIntx(asserted),
      defer: (callback) => this.#owner.loop.defer(callback),
    };
  }
}

/** The request, or undefined if the body is too short for one. */
function decode<M extends Members>(layout: Struct<M>, body: Uint8Array): ValuesOf<M> | undefined {
  return body.length < layout.size ? undefined : layout.decode(new DataView(body.buffer, body.byteOffset, body.byteLength));
}
