import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Connection } from '@vpmem/chardev';
import { FakeMachine } from '../fake-machine.ts';
import { HmpShell } from '../hmp/hmp-shell.ts';
import { machineHandlers } from './machine-handlers.ts';
import { QmpConnection } from './qmp-connection.ts';

const MIB = 2 ** 20;

/** A client in memory that has far more to say than anybody should listen to. */
class Chatterbox extends Duplex {
  /** Bytes that were read from it, after the words. */
  taken = 0;
  received = '';
  /** While set, it does not read. */
  held: (() => void)[] | undefined;
  readonly #words: string[];
  readonly #filler: Buffer;
  readonly #limit: number;

  /** @param filler repeated up to so many bytes after the words; none: it stays and says no more */
  constructor(words: string[], filler = '', limit = 64 * MIB) {
    super({ allowHalfOpen: true });
    this.#limit = limit;
    this.#words = words;
    this.#filler = Buffer.from(filler.repeat(MIB / 16));
  }

  override _read(): void {
    const word = this.#words.shift();
    if (word !== undefined) {
      this.push(word);
    } else if (this.taken >= this.#limit) {
      this.push(null);
    } else if (this.#filler.length > 0) {
      this.taken += this.#filler.length;
      this.push(this.#filler);
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.received += chunk.toString();
    if (this.held === undefined) done();
    else this.held.push(done);
  }
}

/** Lets everything happen that can without anybody reading or answering. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 500; turn++) await setImmediate();
}

function serve(client: Chatterbox, machine: FakeMachine): { session: QmpConnection; served: Promise<void> } {
  const connection = new Connection(client, client);
  const shell = new HmpShell({ machine, program: 'p', version: 'v', chardevs: () => [] }, () => undefined);
  const session = new QmpConnection(connection, {
    version: { qemu: { major: 11, minor: 1, micro: 3 }, package: '' },
    handlers: machineHandlers(machine, shell),
  });
  return { session, served: session.serve().then(() => connection.end()) };
}

const ADD = '{"execute":"qmp_capabilities"}{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","mem-path":"p","size":4096}}';

describe('a QMP client', () => {
  it('is not read from while a command runs', async () => {
    const machine = new FakeMachine();
    let open: () => void = () => undefined;
    machine.gate = new Promise((resolve) => (open = resolve));
    const client = new Chatterbox([ADD], '[]');
    const { served } = serve(client, machine);
    await settle();
    expect(client.taken).toBeLessThan(2 * MIB);
    expect(client.received).not.toContain('QMP input');
    client.destroy();
    open();
    await served;
  });

  it('is not read from while it does not read', async () => {
    const client = new Chatterbox(['{"execute":"qmp_capabilities"}'], '[]');
    client.held = [];
    const { served } = serve(client, new FakeMachine());
    await settle();
    expect(client.taken).toBeLessThan(2 * MIB);
    client.destroy();
    await served;
  });

  it('is listened to again when it reads', async () => {
    const client = new Chatterbox(['{"execute":"qmp_capabilities"}', '{"execute":"query-qmp-schema"}', '{"execute":"query-name"}'], ' ', MIB);
    client.held = [];
    const { served } = serve(client, new FakeMachine());
    await settle();
    expect(client.received).not.toContain('fake');
    const held = client.held;
    client.held = undefined;
    held.forEach((done) => done());
    await served;
    expect(client.received).toContain('{"return": {"name": "fake"}}');
  });

  it('gets its answers although it has closed its side and reads late', async () => {
    const client = new Chatterbox(['{"execute":"qmp_capabilities"}', '{"execute":"query-name"}'], '', 0);
    client.held = [];
    const { served } = serve(client, new FakeMachine());
    await settle();
    const held = client.held;
    client.held = undefined;
    held.forEach((done) => done());
    await served;
    expect(client.received).toContain('{"return": {"name": "fake"}}');
  });

  it('that does not read its events is disconnected', async () => {
    const client = new Chatterbox(['{"execute":"qmp_capabilities"}']);
    const { session, served } = serve(client, new FakeMachine());
    while (!session.session.negotiated) await setImmediate();
    client.held = [];
    for (let count = 0; count < 20_000; count++) session.session.event('RESUME', {});
    expect(client.destroyed).toBe(true);
    await served;
  });
});
