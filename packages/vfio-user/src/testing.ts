import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLoop, listenUnix, waitReadable } from '@vpmem/native';
import type { PciFunction } from '@vpmem/pci';
import { DescriptorShelf } from './kept/descriptor-shelf.ts';
import type { ServerState } from './session-state.ts';
import type { ClientOptions } from './client/vfio-user-client.ts';
import { VfioUserServer, type VfioUserServerOptions } from './vfio-user-server.ts';

export { CountingFunction } from './counting-function.ts';
export { DescriptorShelf } from './kept/descriptor-shelf.ts';
export { everyMessage, type ClientBytes } from './kept/every-message.ts';

/** A server and its clients on one thread: whenever a client waits, the server's loop turns. */
export class TestServer {
  readonly path: string;
  readonly loop = new EventLoop();
  #server: VfioUserServer;
  readonly #options: VfioUserServerOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vpmem-vfio-user-'));

  constructor(pci: PciFunction, options: VfioUserServerOptions = {}) {
    this.path = join(this.#folder, 'device.sock');
    this.#options = options;
    this.#server = new VfioUserServer(pci, listenUnix(this.path), this.loop, options);
  }

  /** The one that serves. */
  get server(): VfioUserServer {
    return this.#server;
  }

  /**
   * Hands all of the server on to one with another function, through JSON and a shelf, as to another process. `between` is called when both
   * have it, and neither goes on. When the other cannot be made, this one goes on.
   */
  handOn(pci: PciFunction, between: (state: ServerState) => void = () => undefined, options = this.#options): void {
    const shelf = new DescriptorShelf();
    const old = this.#server;
    try {
      old.suspend(() => undefined);
      const state = JSON.parse(JSON.stringify(old.save(shelf.put))) as ServerState;
      this.#server = new VfioUserServer(pci, undefined, this.loop, { ...options, continues: { state, take: shelf.take } });
      between(state);
      old.letGo();
    } finally {
      shelf.close();
      this.#server.proceed();
    }
  }

  /** For a `VfioUserClient`. */
  readonly clientOptions: ClientOptions = {
    wait: (fd, timeoutMs) => {
      const end = Date.now() + timeoutMs;
      while (!waitReadable(fd, 0)) {
        this.loop.turn(10);
        if (Date.now() > end) return false;
      }
      return true;
    },
  };

  /** Lets the server do everything it can do now. */
  settle(): void {
    while (this.loop.turn(0) > 0);
  }

  close(): void {
    this.server.close();
    this.loop.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Open descriptors of this process. */
export function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Mappings of memfds in this process. */
export function countMappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split('\n').filter((line) => line.includes('/memfd:')).length;
}
