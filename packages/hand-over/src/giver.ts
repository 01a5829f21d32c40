import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { adoptSocket, DescriptorNumbers, connectUnix, createMemfd, MAX_FDS, peerProcess, peerUser, processEnd, type SaveDescriptor } from '@vpmem/native';
import { Channel, type Heard, type Said } from './channel.ts';
import { HandOverError } from './hand-over-error.ts';
import { PATIENCE, PROTOCOL, SHORT_PATIENCE, type GiverStep, type Offer } from './messages.ts';

/** A program that can be taken over. */
export interface Giver {
  readonly offer: Offer;
  /** Stops serving: nothing is read, everything in flight is finished. @throws whatever keeps it from that; it goes on then */
  stop(): Promise<void>;
  /** All it is, as plain JSON, after {@link stop}. */
  save(put: SaveDescriptor): Promise<unknown>;
  /**
   * Has whoever keeps this process keep `pid` from now on, before that is told that all is its own. Returns whether anybody does: then a
   * third process goes on where both of them end, and this one must not. Default: nobody does.
   *
   * @throws where that cannot be said; then this one goes on
   */
  passOn?(pid: number): boolean;
  /** Goes on, after {@link stop}: nobody has served meanwhile. */
  proceed(): void;
  /** Told after each step; a test ends the process there. */
  step?(step: GiverStep): void;
}

/** What came of being asked. `lost`: the other one died when it had it all, and whoever keeps both starts a third. */
export type GivenUp = { readonly outcome: 'given'; readonly to: number } | { readonly outcome: 'kept' | 'lost'; readonly reason: string };

/**
 * Gives everything to the process that listens at `path`: it asked for that. Never throws: where it cannot be, the giver goes on, and the
 * outcome says why. After `given` and `lost` it has to end, and touch nothing any more.
 */
export async function giveOver(giver: Giver, path: string): Promise<GivenUp> {
  let channel: Channel | undefined;
  try {
    const fd = adoptSocket(connectUnix(path));
    channel = new Channel(fd);
    checkUser(fd);
    const pid = peerProcess(fd);
    if (pid === undefined) throw new HandOverError('stranger', 'the process that asks cannot be seen from here');
    return await new Giving(giver, channel, pid).run();
  } catch (error) {
    return { outcome: error instanceof Lost ? 'lost' : 'kept', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    channel?.close();
  }
}

/** @throws HandOverError */
export function checkUser(fd: number): void {
  const user = peerUser(fd);
  if (user !== process.getuid?.()) throw new HandOverError('stranger', `it belongs to user ${user}, and this process to ${process.getuid?.()}; start both as the same`);
}

/** It was given away, and whoever had it is gone. */
class Lost extends Error {}

class Giving {
  readonly #giver: Giver;
  readonly #channel: Channel;
  readonly #pid: number;

  constructor(giver: Giver, channel: Channel, pid: number) {
    this.#giver = giver;
    this.#channel = channel;
    this.#pid = pid;
  }

  async run(): Promise<GivenUp> {
    this.#step('asked');
    this.#channel.say({ protocol: PROTOCOL, offer: this.#giver.offer });
    this.#step('offered');
    // Until it is ready to begin at once, nothing stops.
    await this.#expect('ready', PATIENCE);
    await this.#stop();
    this.#step('stopped');
    let yours = false;
    let passedOn = false;
    try {
      await this.#send();
      await this.#expect('restored', SHORT_PATIENCE);
      this.#step('heard');
      passedOn = this.#giver.passOn?.(this.#pid) ?? false;
      yours = true;
      this.#step('passed');
      this.#channel.say({ yours: true });
      this.#step('yours');
      await this.#expect('serving', SHORT_PATIENCE);
    } catch (error) {
      // It may have begun. Both must never serve, so it has to be gone before this one does.
      if (yours) await this.#end();
      if (passedOn) throw new Lost((error as Error).message, { cause: error });
      this.#giver.proceed();
      if (!yours) this.#refuse(error);
      throw error;
    }
    this.#step('done');
    return { outcome: 'given', to: this.#pid };
  }

  /** A VM waits meanwhile, so a sync that hangs is not waited for. */
  async #stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new HandOverError('refused', `what is in flight was not finished after ${SHORT_PATIENCE / 1000} s; see which device in query-pmem, and ask again later`)), SHORT_PATIENCE);
    });
    try {
      await Promise.race([this.#giver.stop(), late]);
    } catch (error) {
      this.#giver.proceed();
      this.#refuse(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #refuse(error: unknown): void {
    try {
      this.#channel.say({ refused: error instanceof Error ? error.message : String(error) });
    } catch (gone) {
      if (!(gone instanceof HandOverError)) throw gone;
    }
  }

  async #send(): Promise<void> {
    const numbers = new DescriptorNumbers();
    const state = await this.#giver.save(numbers.put);
    this.#step('saved');
    const text = Buffer.from(JSON.stringify(state));
    const memory = createMemfd('state', 0, { seal: false });
    try {
      ftruncateSync(memory, text.length);
      for (let at = 0; at < text.length; ) at += writeSync(memory, text, at, text.length - at, at);
      const fds = [memory, ...numbers.all];
      for (let at = 0; at < fds.length; at += MAX_FDS) {
        this.#channel.say({ descriptors: fds.length, from: at }, fds.slice(at, at + MAX_FDS));
        await this.#expect('took', SHORT_PATIENCE);
      }
    } finally {
      closeSync(memory);
    }
    this.#step('sent');
  }

  /** The next message has to say `what`. */
  async #expect(what: string, patience: number): Promise<Said> {
    const heard: Heard | undefined = await this.#channel.hear(patience);
    for (const fd of heard?.fds ?? []) closeSync(fd);
    if (heard === undefined) throw new HandOverError('broken', `process ${this.#pid}, which wanted to take over, has gone`);
    const { said } = heard;
    if (typeof said.refused === 'string') throw new HandOverError('refused', said.refused);
    if (said[what] === undefined) throw new HandOverError('broken', `process ${this.#pid} said '${Object.keys(said).join(', ')}' where '${what}' was due`);
    return said;
  }

  async #end(): Promise<void> {
    const ended = processEnd(this.#pid);
    try {
      process.kill(this.#pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await ended;
  }

  #step(step: GiverStep): void {
    this.#giver.step?.(step);
  }
}
