import type { SavedObject } from '@vpmem/layout';
import { closeSync } from 'node:fs';
import { AnswerPipe, WOULD_BLOCK, type SaveDescriptor, type TakeDescriptor } from '@vpmem/native';

/** A message, or the rest of one, that the peer has not taken. */
export interface UnsentState {
  /** In base64. */
  readonly bytes: string;
  /** Those that ride on the first byte. */
  readonly descriptors: readonly number[];
}

/** A conversation between two messages, or in the middle of one. */
export interface StreamState {
  /** What was read and belongs to no message that is whole, in base64. */
  readonly received: string;
  /** Descriptors that came with it. */
  readonly descriptors: readonly number[];
  /** In the order in which they leave. */
  readonly unsent: readonly UnsentState[];
  /** Of one that can be gone on with after its process has died. */
  readonly kept?: {
    /** The end to read from, and the end to write to, of the pipe that holds an answer on its way. */
    readonly pipe: readonly number[];
    /** The message that was carried out when this was saved, by its number, and its answer in base64. */
    readonly handled?: { readonly number: number; readonly answer: string };
  };
}

/** A stream of another process, and how to take its descriptors. */
export interface ContinuedStream {
  readonly state: SavedObject;
  readonly take: TakeDescriptor;
}

/** A message that was carried out, and its answer, empty if it wanted none. */
export interface Handled {
  readonly number: number;
  readonly answer: Uint8Array;
}

/** What still has to be sent. */
export interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /** Whether the descriptors are the stream's to close. */
  readonly owned: boolean;
}

export function saveUnsent({ bytes, fds }: Unsent, put: SaveDescriptor): UnsentState {
  return { bytes: Buffer.from(bytes).toString('base64'), descriptors: fds.map(put) };
}

/** What a stream goes on with. */
interface ReadStream {
  readonly unsent: readonly Unsent[];
  /** That of a stream which was kept. */
  readonly pipe?: AnswerPipe;
  readonly handled?: Handled;
}

/**
 * What is to be sent, and into `incoming` what was received.
 *
 * @throws RangeError for a state that is none, or of `take`; nothing is left open then
 */
export function readStreamState({ state, take }: ContinuedStream, incoming: { restore(bytes: Uint8Array, fds: readonly number[]): void }): ReadStream {
  const taken: number[] = [];
  const takeAll = (numbers: readonly number[]): number[] =>
    numbers.map((number) => {
      const fd = take(number);
      taken.push(fd);
      return fd;
    });
  try {
    const unsent = state.objects('unsent').map((each): Unsent => ({ bytes: each.bytes('bytes'), fds: takeAll(each.numbers('descriptors')), owned: true }));
    const received = state.bytes('received');
    const fds = takeAll(state.numbers('descriptors'));
    const kept = state.has('kept') ? readKept(state.object('kept'), takeAll) : undefined;
    incoming.restore(received, fds);
    return { unsent, ...kept };
  } catch (error) {
    for (const fd of taken) closeSync(fd);
    throw error;
  }
}

function readKept(kept: SavedObject, takeAll: (numbers: readonly number[]) => number[]): { readonly pipe: AnswerPipe; readonly handled?: Handled } {
  const handled = kept.has('handled') ? kept.object('handled') : undefined;
  const last = handled && { number: handled.number('number', 2 ** 31 - 1), answer: handled.bytes('answer') };
  const pipe = kept.numbers('pipe');
  if (pipe.length !== 2) throw kept.wrong('pipe', 'the numbers of two descriptors');
  const [readEnd = -1, writeEnd = -1] = takeAll(pipe);
  return { pipe: new AnswerPipe([readEnd, writeEnd]), ...(last && { handled: last }) };
}

/** What is still to be sent after `sent` bytes, which may be {@link WOULD_BLOCK}. */
export function restOf(unsent: Unsent, sent: number): Unsent {
  if (sent === WOULD_BLOCK) return unsent;
  letGo(unsent);
  return { bytes: unsent.bytes.subarray(sent), fds: [], owned: false };
}

/** Descriptors of a reply are somebody else's, but for those that came with a state. */
export function letGo(unsent: Unsent): void {
  if (unsent.owned) for (const fd of unsent.fds) closeSync(fd);
}
