import { closeSync } from 'node:fs';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { IncomingMessages } from './incoming-messages.ts';
import type { StateReader } from './state-reader.ts';

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

/**
 * What is to be sent, and into `incoming` what was received.
 *
 * @throws RangeError for a state that is none, or of `take`; nothing is left open then
 */
export function readStreamState({ state, take }: { readonly state: StateReader; readonly take: TakeDescriptor }, incoming: IncomingMessages): Unsent[] {
  const taken: number[] = [];
  const takeAll = (numbers: readonly number[]): number[] =>
    numbers.map((number) => {
      const fd = take(number);
      taken.push(fd);
      return fd;
    });
  try {
    const unsent = state.list('unsent').map((each): Unsent => ({ bytes: each.bytes('bytes'), fds: takeAll(each.numbers('descriptors')), owned: true }));
    incoming.restore(state.bytes('received'), takeAll(state.numbers('descriptors')));
    return unsent;
  } catch (error) {
    for (const fd of taken) closeSync(fd);
    throw error;
  }
}
