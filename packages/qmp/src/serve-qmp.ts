import type { Duplex } from 'node:stream';
import { QmpSession, type QmpSessionOptions } from './qmp-session.ts';

/** What a connection is served with. */
export interface ServeQmpOptions extends Omit<QmpSessionOptions, 'write' | 'onPause' | 'onOverflow'> {
  /** The connection was closed because its client does not read. */
  readonly onOverflow?: () => void;
}

/**
 * Speaks QMP on a connection until it ends. A client that has shut down its sending half gets all its answers before it
 * is closed, if the stream allows half-open connections.
 */
export function serveQmp(stream: Duplex, options: ServeQmpOptions): QmpSession {
  const session = new QmpSession({
    ...options,
    write: (text) => stream.write(text),
    onPause: (paused) => {
      if (paused) stream.pause();
      else stream.resume();
    },
    onOverflow: () => {
      stream.destroy();
      options.onOverflow?.();
    },
  });
  stream.on('data', (bytes: Buffer) => session.receive(bytes));
  stream.on('drain', () => session.drained());
  stream.on('end', () => void session.idle().then(() => stream.end()));
  // How it ended makes no difference, and 'close' follows.
  stream.on('error', () => stream.destroy());
  stream.on('close', () => session.end());
  return session;
}
