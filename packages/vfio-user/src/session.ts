import { closeSync } from 'node:fs';
import { GuestMemory } from '@vpmem/guest-memory';
import { errnoOf, peerProcess, type EventLoop, type Polled, type SaveDescriptor } from '@vpmem/native';
import type { PciFunction, PciHost } from '@vpmem/pci';
import { DmaRegions } from './dma-regions.ts';
import type { Conversation } from './conversation.ts';
import { IrqLines } from './irq-lines.ts';
import type { KeptChanges } from './kept/kept.ts';
import { KeptStream } from './kept/kept-stream.ts';
import { MessageWrites } from './message-writes.ts';
import type { Message, MessageHead } from './incoming-messages.ts';
import { MessageStream, type MessageSink } from './message-stream.ts';
import {
  Command,
  DEVICE_FLAGS_PCI,
  DEVICE_FLAGS_RESET,
  DeviceInfo,
  DmaMap,
  DmaUnmap,
  Errno,
  FLAG_NO_REPLY,
  FLAG_TYPE_COMMAND,
  FLAG_TYPE_MASK,
  FLAG_TYPE_REPLY,
  IRQ_MSIX,
  IrqInfo,
  IrqSet,
  NUM_IRQS,
  NUM_REGIONS,
  RegionAccess,
  RegionInfo,
} from './protocol.ts';
import { RegisterAccess } from './register-access.ts';
import { decodes } from './region-access.ts';
import { RegionCommands } from './region-commands.ts';
import { regionInfo } from './region-info.ts';
import { encodeReply, invalid, request, type Answer, type Handler, type Refusal } from './request.ts';
import type { ContinuedSession, SessionState } from './session-state.ts';
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
  /** What outlives this process; absent where nothing does. */
  readonly kept: KeptChanges | undefined;
  /** A client has introduced itself; false if the device is already somebody's. `begin` is called when nothing else is in the way. */
  claim(session: Session, begin: () => void): boolean;
  /** The session is over. */
  ended(session: Session, reason?: string): void;
  /** Something a person looking for trouble would want to read. */
  remark(text: string): void;
}

const DONE: Answer = {};

/** Commands that change what is saved; of others the function tells. */
const CHANGING: ReadonlySet<number> = new Set([Command.VERSION, Command.DMA_MAP, Command.DMA_UNMAP, Command.DEVICE_SET_IRQS, Command.DEVICE_RESET]);

/** One client and its conversation with the device. */
export class Session implements MessageSink {
  /** The client's process, where that can be told. */
  readonly pid: number | undefined;
  readonly #owner: SessionOwner;
  readonly #stream: Conversation;
  readonly #memory = new GuestMemory();
  readonly #dma: DmaRegions;
  readonly #irqs: IrqLines;
  readonly #registers: RegisterAccess;
  readonly #regions: RegionCommands;
  readonly #messages = new MessageWrites((message) => this.#stream.send(message));
  #claimed = false;
  #suspended = false;
  /** Why it cannot go on from its state; whoever it is finds out when everybody else goes on. */
  #problem: string | undefined;

  /**
   * Takes over the connected socket `fd`, also if it throws; then nothing is left open.
   *
   * @throws RangeError for a state that is none, or of its `take`
   */
  constructor(fd: number, owner: SessionOwner, continues?: ContinuedSession) {
    const { pci, loop, keepsMsix, kept } = owner;
    this.#owner = owner;
    this.#registers = new RegisterAccess(pci);
    this.#regions = new RegionCommands(pci, keepsMsix, (text) => owner.remark(text));
    this.#irqs = new IrqLines([pci.intx ? 1 : 0, 0, keepsMsix ? 0 : pci.msixVectors, 1, 1], loop, kept?.forget);
    this.#dma = new DmaRegions(this.#memory, (address, size) => decodes(pci, address, size), kept?.forget);
    try {
      this.pid = peerProcess(fd);
      const [options, stream] = [{ pollMax: owner.pollMax }, continues && { state: continues.state.object('stream'), take: continues.take }];
      this.#stream = kept === undefined ? new MessageStream(fd, loop, this, options, stream) : new KeptStream(fd, loop, this, kept, options, stream);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    if (continues !== undefined) this.#restore(continues);
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
    const answer = this.#answer(message);
    if (CHANGING.has(command)) this.#owner.kept?.mark();
    this.#tell(message, answer);
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
    this.letGo();
    this.#owner.ended(this, reason);
  }

  /** Hears nothing more of the client until {@link proceed}. */
  suspend(): void {
    this.#suspended = true;
    this.#stream.suspend();
    this.#irqs.suspend();
  }

  /** While it is not suspended, what this process has sent is not told: it may die before it sends it. */
  save(put: SaveDescriptor): SessionState {
    return {
      connection: put(this.#stream.fd),
      stream: this.#stream.save(put),
      memory: this.#dma.save(put),
      irqs: this.#irqs.save(put),
      writes: this.#messages.save(this.#suspended),
    };
  }

  /** Goes on, the function first. */
  proceed(): void {
    if (this.#problem !== undefined) return this.close(this.#problem);
    this.#suspended = false;
    this.#irqs.proceed();
    if (this.#claimed) {
      this.#stream.keep();
      this.#owner.pci.proceed?.();
    }
    this.#stream.proceed();
  }

  /** Closes what it has here; somebody else goes on with it. */
  letGo(): void {
    this.#stream.close();
    if (this.#claimed) this.#owner.pci.detach();
    this.#claimed = false;
    this.#irqs.close();
    this.#dma.clear();
  }

  #restore({ state, take, pci }: ContinuedSession): void {
    try {
      this.#problem = this.#dma.restore(state.objects('memory'), take);
      if (pci !== undefined) {
        this.#claimed = true;
        this.#owner.pci.attach(this.#host);
        this.#owner.pci.restore?.(pci);
      }
      this.#irqs.restore(state.object('irqs'), take);
      this.#messages.restore(state.object('writes'));
    } catch (error) {
      this.letGo();
      throw error;
    }
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
    [Command.REGION_READ]: request(RegionAccess, (access) => this.#regions.read(access)),
    [Command.REGION_WRITE]: request(RegionAccess, (access, data) => this.#regions.write(access, data)),
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
    if (!this.#owner.claim(this, () => this.#stream.keep())) return { errno: Errno.EBUSY, detail: 'the device has a client already' };
    this.#claimed = true;
    this.#owner.pci.attach(this.#host);
    return { body: negotiation.reply };
  }

  /** Answers a command that wants to hear; nothing else is ever answered. */
  #reply({ id, command, flags }: MessageHead, answer: Answer): void {
    if ((flags & FLAG_TYPE_MASK) === FLAG_TYPE_REPLY || (flags & FLAG_NO_REPLY) !== 0) return;
    this.#stream.send(encodeReply({ id, command }, answer), 'errno' in answer ? [] : answer.fds);
  }

  get #host(): PciHost {
    const { kept, keepsMsix } = this.#owner;
    return {
      memory: this.#memory,
      msix: keepsMsix
        ? { kind: 'messages', write: (address, data) => this.#messages.write(address, data) }
        : { kind: 'vectors', signal: (vector) => this.#irqs.signal(IRQ_MSIX, vector) },
      intx: (asserted) => this.#irqs.setIntx(asserted),
      defer: (callback) => this.#owner.loop.defer(callback),
      poll: this.#poll,
      ...(kept && { changed: kept.mark }),
      ...(kept?.progress && { progress: kept.progress }),
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
