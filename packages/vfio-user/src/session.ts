import { closeSync } from 'node:fs';
import { GuestMemory } from '@vpmem/guest-memory';
import type { ValuesOf } from '@vpmem/layout';
import { errnoOf, peerProcess, type EventLoop, type Polled } from '@vpmem/native';
import type { MsixDelivery, PciFunction, PciHost } from '@vpmem/pci';
import { coverMsix, isCopy } from './covered-msix.ts';
import { DmaRegions } from './dma-regions.ts';
import { IrqLines } from './irq-lines.ts';
import { MessageWrites } from './message-writes.ts';
import { MessageStream, type Message, type MessageHead, type MessageSink } from './message-stream.ts';
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
import { RegisterAccess } from './register-access.ts';
import { decodes, readRegion, regionSize, writeRegion } from './region-access.ts';
import { regionInfo } from './region-info.ts';
import { invalid, request, type Answer, type Handler, type Refusal } from './request.ts';
import { negotiate } from './version.ts';

/** What a session needs to know of the server it belongs to. */
export interface SessionOwner {
  readonly pci: PciFunction;
  readonly loop: EventLoop;
  /** Whether the function's MSI-X is kept on this side, and no client's business. */
  readonly keepsMsix: boolean;
  /** The function, as the loop looks for its driver's requests; absent where it cannot. */
  readonly polled: Polled | undefined;
  /** For how long after a message the loop may look for the next, in milliseconds. */
  readonly pollMax: () => number;
  /** A client has introduced itself; false if the device is already somebody's. */
  claim(session: Session): boolean;
  /** The session is over. */
  ended(session: Session, reason?: string): void;
  /** Something a person looking for trouble would want to read. */
  remark(text: string): void;
}

type Access = ValuesOf<(typeof RegionAccess)['members']>;

const DONE: Answer = {};

/** One client and its conversation with the device. */
export class Session implements MessageSink {
  /** The client's process, where that can be told. */
  readonly pid: number | undefined;
  readonly #owner: SessionOwner;
  readonly #stream: MessageStream;
  readonly #memory = new GuestMemory();
  readonly #dma = new DmaRegions(this.#memory, (address, size) => decodes(this.#owner.pci, address, size));
  readonly #irqs: IrqLines;
  readonly #registers: RegisterAccess;
  readonly #messages = new MessageWrites((message) => this.#stream.send(message));
  #claimed = false;

  /** Takes over the connected socket `fd`. */
  constructor(fd: number, owner: SessionOwner) {
    this.pid = peerProcess(fd);
    this.#owner = owner;
    this.#registers = new RegisterAccess(owner.pci);
    this.#irqs = new IrqLines([owner.pci.intx ? 1 : 0, 0, owner.keepsMsix ? 0 : owner.pci.msixVectors, 1, 1], owner.loop);
    this.#stream = new MessageStream(fd, owner.loop, this, { pollMax: owner.pollMax });
  }

  message(message: Message): void {
    if (!this.#claimed) return this.#carryOut(message);
    try {
      const reply = this.#registers.reply(message);
      if (reply === undefined) this.#carryOut(message);
      else this.#stream.send(reply);
    } catch (error) {
      this.#tell(message, refusal(error));
    }
  }

  #carryOut(message: Message): void {
    const { id, command, flags, fds } = message;
    if ((flags & FLAG_TYPE_MASK) === FLAG_TYPE_REPLY) {
      if (command === Command.DMA_WRITE && fds.length === 0 && this.#messages.answered(id)) return;
      for (const fd of fds) closeSync(fd);
      return this.#owner.remark(`a reply (id ${id}) that nobody asked for is ignored`);
    }
    this.#tell(message, this.#answer(message));
  }

  #tell(message: Message, answer: Answer): void {
    const { command } = message;
    this.#reply(message, answer);
    const refused = 'errno' in answer ? `command ${command} refused with errno ${answer.errno}${answer.detail === undefined ? '' : `: ${answer.detail}`}` : undefined;
    if (!this.#claimed) this.close(refused);
    else if (refused !== undefined) this.#owner.remark(refused);
  }

  malformed(head: MessageHead): void {
    this.#reply(head, invalid());
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
    [Command.DMA_MAP]: request(DmaMap, (map, _, fds) => this.#dma.map(map, fds.splice(0)) ?? DONE),
    [Command.DMA_UNMAP]: request(DmaUnmap, (unmap) => this.#dma.unmap(unmap) ?? { body: DmaUnmap.encode(unmap) }),
    [Command.DEVICE_GET_INFO]: request(DeviceInfo, () => ({
      body: DeviceInfo.encode({
        argsz: DeviceInfo.size,
        flags: DEVICE_FLAGS_RESET | DEVICE_FLAGS_PCI,
        num_regions: NUM_REGIONS,
        num_irqs: NUM_IRQS,
      }),
    })),
    [Command.DEVICE_GET_REGION_INFO]: request(RegionInfo, ({ index, argsz }) =>
      index < NUM_REGIONS ? regionInfo(this.#owner.pci, index, argsz) : invalid(`region ${index}`),
    ),
    [Command.DEVICE_GET_IRQ_INFO]: request(IrqInfo, ({ index }) =>
      index < NUM_IRQS ? { body: IrqInfo.encode({ argsz: IrqInfo.size, index, ...this.#irqs.info(index) }) } : invalid(`interrupt index ${index}`),
    ),
    [Command.DEVICE_SET_IRQS]: request(IrqSet, (set, data, fds) => {
      const errno = this.#irqs.set({ ...set, data, fds: fds.splice(0) });
      return errno === undefined ? DONE : { errno };
    }),
    [Command.REGION_READ]: request(RegionAccess, (access) => this.#regionRead(access)),
    [Command.REGION_WRITE]: request(RegionAccess, (access, data) => this.#regionWrite(access, data)),
    [Command.DEVICE_RESET]: () => {
      this.#owner.pci.reset();
      return DONE;
    },
  };

  /** Carries out a command; a descriptor no handler took is closed, and one that belongs nowhere makes the command invalid. */
  #answer({ command, flags, body, fds }: Message): Answer {
    const takesFds = command === Command.DMA_MAP || command === Command.DEVICE_SET_IRQS;
    try {
      if ((flags & FLAG_TYPE_MASK) !== FLAG_TYPE_COMMAND) return invalid('neither a command nor a reply');
      if (!this.#claimed && command !== Command.VERSION) return invalid('it came before VERSION');
      if (fds.length > 0 && !takesFds) return invalid(`${fds.length} descriptors where none belong`);
      return this.#handlers[command]?.(body, fds) ?? invalid('no such command');
    } catch (error) {
      return refusal(error);
    } finally {
      for (const fd of fds.splice(0)) closeSync(fd);
    }
  }

  #version(body: Uint8Array): Answer {
    if (this.#claimed) return invalid('VERSION a second time');
    const negotiation = negotiate(body);
    if (negotiation.code === 'refused') return negotiation;
    if (!this.#owner.claim(this)) return { errno: Errno.EBUSY, detail: 'the device has a client already' };
    this.#claimed = true;
    this.#owner.pci.attach(this.#host);
    return { body: negotiation.reply };
  }

  #regionRead(access: Access): Answer {
    if (!this.#reaches(access)) return invalid();
    const answer = new Uint8Array(RegionAccess.size + access.count);
    RegionAccess.write(new DataView(answer.buffer), 0, access);
    const data = answer.subarray(RegionAccess.size);
    const read = (): void => readRegion(this.#owner.pci, access.region, access.offset, data);
    if (access.region === REGION_CONFIG) this.#neverRefused(read, () => data.fill(0xff));
    else read();
    if (this.#owner.keepsMsix && isCopy(access)) coverMsix(this.#owner.pci, access.offset, data);
    return { body: answer };
  }

  #regionWrite(access: Access, data: Uint8Array): Answer {
    if (!this.#reaches(access)) return invalid();
    if (data.length !== access.count) return invalid(`${data.length} bytes to write where count says ${access.count}`);
    const write = (): void => writeRegion(this.#owner.pci, access.region, access.offset, data);
    if (access.region === REGION_CONFIG) this.#neverRefused(write, () => undefined);
    else write();
    return { body: RegionAccess.encode(access) };
  }

  /** Through configuration space a driver can reach memory whose file fails: then it reads all ones, as on a bus, and a remark says why. */
  #neverRefused(access: () => void, fail: () => void): void {
    try {
      access();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      fail();
      this.#owner.remark(`a configuration access reads all ones, or does nothing: ${(error as Error).message}`);
    }
  }

  /** Configuration accesses are never refused, wherever they go: some clients wait for ever for the answer they expect. */
  #reaches({ region, offset, count }: Access): boolean {
    if (region >= NUM_REGIONS || count > MAX_DATA_XFER_SIZE) return false;
    return region === REGION_CONFIG || offset + count <= regionSize(this.#owner.pci, region);
  }

  /** Answers a command that wants to hear; nothing else is ever answered. */
  #reply({ id, command, flags }: MessageHead, answer: Answer): void {
    if ((flags & FLAG_TYPE_MASK) === FLAG_TYPE_REPLY || (flags & FLAG_NO_REPLY) !== 0) return;
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
      poll: this.#poll,
    };
  }

  readonly #poll = (): void => {
    if (this.#owner.polled !== undefined) this.#owner.loop.poll(this.#owner.polled);
  };
}

/** What the host cannot do, as an answer. @throws whatever is no failure of the host */
function refusal(error: unknown): Refusal {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  return { errno, detail: (error as Error).message };
}
