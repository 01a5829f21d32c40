import type { Connection } from './connection.ts';

/** Talks to a client until it has gone, or it is enough. Never rejects. */
export type Serve = (connection: Connection) => Promise<void>;

/** A character device that is open. */
export interface Chardev {
  /** As `info chardev` shows it, `disconnected:` before it while there is no client. */
  readonly filename: string;
  /** Where clients connect, in the words of `-monitor`, if it is something that listens. */
  readonly endpoint?: string;
  /** The socket that listens, if one does, and where: for a process that takes this one's place. */
  readonly listener?: { readonly at: string; readonly fd: number } | undefined;
  /** Begins to serve clients; resolves when the first one is there, at once if none is waited for. */
  start(serve: Serve): Promise<void>;
  /** Hangs up, serves nobody any more, and leaves no socket behind. A command that is running is not waited for. */
  close(): Promise<void>;
}

/** The null device: nobody ever comes. */
export class NullChardev implements Chardev {
  readonly filename = 'null';

  start(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
