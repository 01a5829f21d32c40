import { PassThrough, Writable } from 'node:stream';
import type { Socket } from 'node:net';
import { Connection } from '@vpmem/chardev';

/** Ctrl-A, which begins a command to the multiplexer. */
const ESCAPE = 0x01;
const HELP = ['C-a h    print this help', 'C-a x    exit emulator', 'C-a c    switch between console and monitor', 'C-a C-a  sends C-a', ''].join('\n');

export interface MultiplexerOptions {
  /** QEMU's side of the console: what the guest's serial line, or whatever it is, is connected to. */
  readonly console: Promise<Socket>;
  /** Talks to the human monitor's client until it leaves. */
  readonly serveMonitor: (connection: Connection) => Promise<void>;
  /** Ends the VM. */
  readonly exit: () => Promise<void>;
}

/**
 * A console and a human monitor on one character device, with QEMU's keys: Ctrl-A c goes from one to the other. Keys go to the
 * console at first; the monitor greets when it is first turned to.
 */
export class Multiplexer {
  readonly #options: MultiplexerOptions;
  #client: Connection | undefined;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    // Until a client is there the guest talks to nobody, as at a line that nothing is plugged into.
    options.console.then(
      (console) => {
        console.on('data', (bytes: Buffer) => {
          if (this.#client?.send(bytes) === false) console.pause();
        });
      },
      () => undefined,
    );
  }

  /** Serves a client until it has gone. */
  async serve(client: Connection): Promise<void> {
    const console = await this.#options.console;
    this.#client = client;
    client.onDrain(() => console.resume());
    const keys = new PassThrough();
    const screen = new Writable({ write: (bytes: Buffer, _encoding, done) => void client.write(bytes).then(() => done()) });
    const monitor = new Connection(keys, screen, { terminal: client.terminal });
    let monitoring: Promise<void> | undefined;
    let atMonitor = false;
    let escaped = false;
    try {
      for await (const chunk of client.chunks()) {
        let plain: number[] = [];
        const flush = (): void => {
          if (plain.length > 0) (atMonitor ? keys : console).write(Buffer.from(plain));
          plain = [];
        };
        for (const byte of chunk) {
          if (!escaped) {
            if (byte === ESCAPE) escaped = true;
            else plain.push(byte);
            continue;
          }
          escaped = false;
          const key = String.fromCharCode(byte).toLowerCase();
          if (byte === ESCAPE) plain.push(byte);
          else if (key === 'h' || key === '?') await client.write(`\n${HELP}`);
          else if (key === 'x') await this.#options.exit();
          else if (key === 'c') {
            flush();
            atMonitor = !atMonitor;
            if (atMonitor) await client.write('\n');
            monitoring ??= this.#options.serveMonitor(monitor);
          }
        }
        flush();
      }
    } finally {
      this.#client = undefined;
      console.resume();
      monitor.hangUp();
      await monitoring;
    }
  }
}
