import type { SaveDescriptor } from '@vpmem/native';
import type { StreamState } from './kept/stream-state.ts';

/** Messages with a client over a socket: a `MessageStream`, or a `KeptStream`. */
export interface Conversation {
  /** The socket's descriptor, the conversation's own. */
  readonly fd: number;
  /** The other side has the device from now on: what is said to it is kept, where anything is. @throws SystemError EMFILE */
  keep(): void;
  /** Sends one message, header first; `fds` ride on its first byte, and have to stay open until then. */
  send(message: Uint8Array, fds?: readonly number[]): void;
  /** Takes no more messages for so long, in milliseconds. */
  pause(milliseconds: number): void;
  /** Hears nothing of the peer until {@link proceed}, nor that it goes. */
  suspend(): void;
  proceed(): void;
  save(put: SaveDescriptor): StreamState;
  /** Closes the socket and everything that arrived and was not handed out. */
  close(): void;
}
