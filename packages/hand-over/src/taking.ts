import { closeSync, fstatSync, readSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { acceptUnix, duplicatesOf, listenAtPath, openProcess, peerProcess, stopListening, whenReadable, type ListeningSocket, type TakeDescriptor } from '@vpmem/native';
import { Channel, type Heard, type Said } from './channel.ts';
import { checkUser } from './giver.ts';
import { HandOverError } from './hand-over-error.ts';
import { PATIENCE, PROTOCOL, SHORT_PATIENCE, type Offer, type TakerStep } from './messages.ts';

/** What the other one was, and what it had. */
export interface Taken {
  readonly state: unknown;
  /** Gives a duplicate of a descriptor by its number in the state. */
  readonly take: TakeDescriptor;
}

/** Bytes a state may have. */
const MOST_STATE = 256 * 2 ** 20;

/** A running program that is being taken over, from the one that takes. Its methods are called in their order; {@link abandon} at any time. */
export class Taking {
  readonly offer: Offer;
  readonly #channel: Channel;
  readonly #pid: number;
  /** Of the other process; absent if it has ended already. */
  readonly #process: number | undefined;
  readonly #step: (step: TakerStep) => void;
  readonly #fds: number[] = [];
  #closed = false;

  private constructor(channel: Channel, offer: Offer, pid: number, step: (step: TakerStep) => void) {
    this.#channel = channel;
    this.offer = offer;
    this.#pid = pid;
    this.#process = openProcess(pid);
    this.#step = step;
  }

  /**
   * Asks the program that listens at `socket` to be taken over by this process, which listens at `own` meanwhile: a path in a folder of this user.
   *
   * @throws HandOverError, with nothing changed there or here
   */
  static async begin(socket: string, own: string, step: (step: TakerStep) => void = () => undefined): Promise<Taking> {
    rmSync(own, { force: true });
    const listener = listenAtPath(own);
    let channel: Channel | undefined;
    try {
      const { fd, pid } = await called(socket, listener);
      channel = new Channel(fd);
      // Nobody else is to call, and nothing is to be left there by a process that is killed.
      listener.remove();
      checkUser(fd);
      step('connected');
      const { said } = await expectFrom(channel, 'offer', PATIENCE, pid);
      if (said.protocol !== PROTOCOL) throw new HandOverError('version', `process ${pid} hands over by protocol ${String(said.protocol)}, and this program takes ${PROTOCOL}; take a version between`);
      const offer = said.offer as Offer;
      step('offered');
      return new Taking(channel, offer, pid, step);
    } catch (error) {
      channel?.close();
      throw error;
    } finally {
      listener.remove();
      closeSync(listener.fd);
    }
  }

  /** This process can begin at once: the other stops, and hands over all it has. @throws HandOverError; the other goes on */
  async receive(): Promise<Taken> {
    this.#channel.say({ ready: true });
    this.#step('ready');
    let wanted = 1;
    while (this.#fds.length < wanted) {
      // The other one finishes first what is in flight, which takes what a disk takes.
      const { said, fds } = await expectFrom(this.#channel, 'descriptors', PATIENCE, this.#pid);
      this.#fds.push(...fds);
      wanted = Number(said.descriptors);
      if (fds.length === 0) throw new HandOverError('broken', `process ${this.#pid} handed over ${this.#fds.length} of ${wanted} descriptors`);
      this.#tell({ took: this.#fds.length }, wanted);
    }
    const state = takeState(this.#fds.shift() ?? -1);
    this.#step('received');
    return { state, take: duplicatesOf(this.#fds) };
  }

  /**
   * Everything is rebuilt here. Returns when the other has let go; from then on it is this process that serves. `kept`: should the other
   * die before it has said that, somebody starts a third process, which goes on.
   *
   * @throws HandOverError; then the other goes on, or that third
   */
  async claim({ kept = false }: { readonly kept?: boolean } = {}): Promise<void> {
    try {
      this.#channel.say({ restored: true });
      this.#step('restored');
      await expectFrom(this.#channel, 'yours', SHORT_PATIENCE, this.#pid);
    } catch (error) {
      // Dead, it cannot go on: then what it had is this one's, or a third's. Alive, it has it still.
      if (!(await this.#hasEnded())) throw error;
      if (kept) throw new HandOverError('orphaned', `process ${this.#pid} ended, and whoever keeps it starts another`, { cause: error });
    }
    this.#step('yours');
  }

  /** This process serves from here on, and not before, since nobody else would go on with what it reads: the other one ends. */
  finish(): void {
    this.#step('serving');
    try {
      this.#channel.say({ serving: true });
    } catch (error) {
      // It has died, and need not be told.
      if (!(error instanceof HandOverError)) throw error;
    }
    this.#close();
    this.#step('done');
  }

  /** Gives it up, with the reason for the other side, which goes on. After {@link claim} it is too late, and nobody is told. */
  abandon(reason: string): void {
    if (this.#closed) return;
    try {
      this.#channel.say({ refused: reason });
    } catch (error) {
      if (!(error instanceof HandOverError)) throw error;
    }
    this.#close();
  }

  /** Who has died after the last of what was `wanted` need not hear that it came: {@link claim} sees to the rest. @throws HandOverError */
  #tell(said: Said, wanted: number): void {
    try {
      this.#channel.say(said);
    } catch (error) {
      if (this.#fds.length < wanted) throw error;
    }
  }

  async #hasEnded(): Promise<boolean> {
    // One that goes on says why before it hangs up; one that has hung up without a word is dying, which takes as long as it takes.
    return this.#process === undefined || (await whenReadable(this.#process, SHORT_PATIENCE));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.close();
    if (this.#process !== undefined) closeSync(this.#process);
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}

/** Asks at `socket`, and waits until who is there calls back. */
async function called(socket: string, listener: ListeningSocket): Promise<{ fd: number; pid: number }> {
  const asking = connect({ path: socket });
  try {
    const answer = new Promise<string>((resolve, reject) => {
      let text = '';
      asking.setEncoding('utf8');
      asking.on('data', (data: string) => {
        text += data;
        if (text.includes('\n')) resolve(text.trim());
      });
      asking.on('error', (error: NodeJS.ErrnoException) => reject(new HandOverError('nobody', `'${socket}' cannot be asked: ${error.message}`, { cause: error })));
      asking.on('close', () => reject(new HandOverError('nobody', `the program that listens at '${socket}' closed the connection`)));
      asking.write(`${JSON.stringify({ protocol: PROTOCOL, call: listener.path })}\n`);
    });
    answer.catch(() => undefined);
    const refused = answer.then((text) => {
      throw new HandOverError('refused', text);
    });
    refused.catch(() => undefined);
    const came = whenReadable(listener.fd, PATIENCE);
    if (!(await Promise.race([came, refused]))) throw new HandOverError('broken', `who listens at '${socket}' did not call back for ${PATIENCE / 1000} s`);
    const fd = acceptUnix(listener.fd);
    if (fd === undefined) throw new HandOverError('broken', `the program that listens at '${socket}' connected and closed the connection`);
    const pid = peerProcess(fd);
    if (pid === undefined) {
      closeSync(fd);
      throw new HandOverError('stranger', `the process at '${socket}' cannot be seen from here`);
    }
    return { fd, pid };
  } catch (error) {
    // Nobody waits for a call any more: a process that is refused would not end before that wait did.
    stopListening(listener.fd);
    throw error;
  } finally {
    asking.destroy();
  }
}

async function expectFrom(channel: Channel, what: string, patience: number, pid: number): Promise<Heard & { readonly said: Said }> {
  const heard = await channel.hear(patience);
  if (heard === undefined) throw new HandOverError('broken', `process ${pid} closed the connection; its own messages say why`);
  if (typeof heard.said.refused === 'string') throw new HandOverError('refused', heard.said.refused);
  if (heard.said[what] !== undefined) return heard;
  for (const fd of heard.fds) closeSync(fd);
  throw new HandOverError('broken', `process ${pid} said '${Object.keys(heard.said).join(', ')}' where '${what}' was due`);
}

/** Reads what the first descriptor is, and closes it. */
function takeState(fd: number): unknown {
  try {
    return readState(fd);
  } finally {
    closeSync(fd);
  }
}

function readState(fd: number): unknown {
  const { size } = fstatSync(fd);
  if (size > MOST_STATE) throw new HandOverError('broken', `a state of ${size} bytes; at most ${MOST_STATE} are taken`);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = readSync(fd, bytes, at, size - at, at);
    if (count === 0) throw new HandOverError('broken', 'the state ends before its end');
    at += count;
  }
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new HandOverError('broken', `the state is no JSON: ${(error as Error).message}`, { cause: error });
  }
}
