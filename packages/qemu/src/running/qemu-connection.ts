import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { EventHub, ForeignError, MachineError } from '@vpmem/machine';
import { QmpClient, QmpConnectionError, QmpError } from '@vpmem/qmp/client';
import type { QemuEvent, QemuMonitor } from './qemu-monitor.ts';

const ID = 'vpmem-monitor';

/**
 * A monitor of a QEMU that is about to start, for this program alone: QEMU connects to a socket here. The monitors of its
 * own command line stay as they are.
 */
export class QemuConnection implements QemuMonitor {
  readonly #server: Server;
  readonly #path: string;
  readonly #events = new EventHub<QemuEvent>();
  readonly #client: Promise<QmpClient>;
  readonly #giveUp = new AbortController();

  /** @param folder nobody else's, for the socket */
  static async listen(folder: string): Promise<QemuConnection> {
    const path = join(folder, 'monitor');
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new QemuConnection(server, path);
  }

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
    this.#client = this.#accept();
    // Whoever asks something hears of it.
    this.#client.catch(() => undefined);
  }

  /** What QEMU's command line needs. */
  get args(): string[] {
    return ['-chardev', `socket,id=${ID},path=${this.#path.replaceAll(',', ',,')}`, '-qmp', `chardev:${ID}`];
  }

  /** Settles when QEMU is there and takes commands; rejects if it never comes. */
  get greeted(): Promise<void> {
    return this.#client.then(() => undefined);
  }

  get ended(): Promise<void> {
    return this.#client.then((client) => client.ended).then(() => undefined, () => undefined);
  }

  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    try {
      return await (await this.#client).executeAny(command, args);
    } catch (error) {
      if (error instanceof QmpError) throw new ForeignError(error.errorClass, error.message);
      if (error instanceof QmpConnectionError) throw new MachineError('machine-state', undefined, `${command}: QEMU is gone: ${error.message}`, { cause: error });
      throw error;
    }
  }

  onEvent(listener: (event: QemuEvent) => void): () => void {
    return this.#events.add(listener);
  }

  /** Ends it, also while QEMU has not come. What was asked rejects. */
  close(): void {
    this.#giveUp.abort();
    this.#server.close();
    void this.#client.then((client) => client.close(), () => undefined);
  }

  async #accept(): Promise<QmpClient> {
    const { signal } = this.#giveUp;
    const socket = await this.#firstConnection(signal);
    this.#server.close();
    const client = await QmpClient.over(socket, { signal });
    client.onEvent((event) => this.#events.emit(event));
    return client;
  }

  async #firstConnection(signal: AbortSignal): Promise<Socket> {
    try {
      const [socket] = (await once(this.#server, 'connection', { signal })) as [Socket];
      return socket;
    } catch (error) {
      throw new QmpConnectionError('aborted', 'it did not start', { cause: error });
    }
  }
}
