import { closeSync } from 'node:fs';
import { EventLoop, listenAtPath } from '@vpmem/native';
import type { PciFunction } from '@vpmem/pci';
import { VfioUserServer, type VfioUserServerOptions } from './vfio-user-server.ts';

/** A function that is served at a path. */
export interface ServedFunction {
  readonly server: VfioUserServer;
  /** The value of QEMU's `-device` that plugs it in. */
  readonly qemuDevice: string;
  /** Kept when it was closed and nothing of it is left; broken if serving it failed. */
  readonly ended: Promise<void>;
  /** Hangs up on whoever has it, and takes its path away. A second call does nothing. */
  readonly close: () => void;
}

/**
 * Serves one function on a unix socket at `path`, which its owner alone can reach, beside the other things that this thread does: promises, timers
 * and asynchronous input and output work in the function. A socket that a dead process left there is replaced.
 *
 * @throws SocketPathError if nobody can listen there, with nothing changed
 * @throws RangeError if the protocol cannot express one of the function's BARs
 */
export function serveAtPath(pci: PciFunction, path: string, options: Omit<VfioUserServerOptions, 'continues' | 'kept'> = {}): ServedFunction {
  const socket = listenAtPath(path);
  const loop = new EventLoop();
  let server: VfioUserServer;
  try {
    server = new VfioUserServer(pci, socket.fd, loop, options);
  } catch (error) {
    socket.remove();
    closeSync(socket.fd);
    loop.close();
    throw error;
  }
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    socket.remove();
    server.close();
    loop.stop();
  };
  const ended = loop.pump().finally(() => {
    close();
    loop.close();
  });
  return { server, qemuDevice: JSON.stringify({ driver: 'vfio-user-pci', socket: { path, type: 'unix' } }), ended, close };
}
