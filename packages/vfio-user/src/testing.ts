import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLoop, listenUnix, waitReadable } from '@vpmem/native';
import type { PciFunction } from '@vpmem/pci';
import type { ClientOptions } from './vfio-user-client.ts';
import { VfioUserServer, type VfioUserServerOptions } from './vfio-user-server.ts';

export { everyMessage, type ClientBytes } from './every-message.ts';

/** A server and its clients on one thread: whenever a client waits, the server's loop turns. */
export class TestServer {
  readonly path: string;
  readonly loop = new EventLoop();
  readonly server: VfioUserServer;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vpmem-vfio-user-'));

  constructor(pci: PciFunction, options: VfioUserServerOptions = {}) {
    this.path = join(this.#folder, 'device.sock');
    this.server = new VfioUserServer(pci, listenUnix(this.path), this.loop, options);
  }

  /** For {@link VfioUserClient}. */
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
