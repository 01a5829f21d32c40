// What a keeper keeps in tests: does what its argument says, and tells on its standard output, a line of JSON each.
import { fstatSync, readSync, writeSync } from 'node:fs';
import { createMemfd, openPipe, sendDatagram } from '@vpmem/native';
import { DescriptorStore, StateMemory } from '@vpmem/descriptor-store';

const [does] = process.argv.slice(2);
const out = process.env.OUT;
const tell = (value) => writeSync(Number(out ?? 1), `${JSON.stringify({ pid: process.pid, ...value })}\n`);
const store = DescriptorStore.ofEnvironment(process.env);
const notify = (text) => sendDatagram(process.env.NOTIFY_SOCKET, Buffer.from(text));
const stay = () => setInterval(() => undefined, 2 ** 30);
const inherited = [...store.inherited.keys()];

const deeds = {
  // Adds one descriptor with each life, and waits.
  async stays() {
    const [readEnd] = openPipe();
    store.add(`life${inherited.length}`, readEnd);
    await store.barrier();
    notify('READY=1\nSTATUS=as it should be\nMAINPID=nonsense');
    process.on('SIGTERM', () => {
      notify('STOPPING=1');
      process.exit(0);
    });
    // Has handed over: it goes, and the service does not.
    process.on('SIGUSR2', () => process.exit(0));
    stay();
    tell({ inherited });
  },
  async fills() {
    let refused;
    const before = inherited.length;
    for (let i = before; refused === undefined; i++) {
      try {
        store.add(`fd${i}`, createMemfd('m', 1));
      } catch (error) {
        refused = error.message;
      }
    }
    await store.barrier();
    stay();
    tell({ inherited: inherited.length, refused });
  },
  // As a client that does not count: the keeper has to.
  async overfills() {
    const uncounted = new DescriptorStore({ address: process.env.NOTIFY_SOCKET, limit: 1000, held: [] });
    const twice = createMemfd('twice', 1);
    if (inherited.length === 0) for (const [name, fd] of [['a', twice], ['b', twice], ['c', createMemfd('c', 1)], ['d', createMemfd('d', 1)], ['e', createMemfd('e', 1)]]) uncounted.add(name, fd);
    await uncounted.barrier();
    stay();
    tell({ inherited });
  },
  exits0: () => process.exit(0),
  exits1: () => process.exit(1),
  exits70: () => process.exit(inherited.length === 0 ? (store.add('a', createMemfd('a', 1)), 70) : 0),
  exits3: () => process.exit(inherited.length === 0 ? (store.add('a', createMemfd('a', 1)), 3) : 0),
  dies: () => process.kill(process.pid, 'SIGKILL'),
  ignores() {
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => tell({ signal }));
    stay();
    tell({ inherited });
  },
  waits() {
    stay();
    tell({ inherited });
  },
  // Another one has taken over.
  takes() {
    notify(`MAINPID=${process.pid}`);
    stay();
    process.on('SIGTERM', () => {
      notify('STOPPING=1');
      process.exit(0);
    });
    tell({ inherited });
  },
  // One descriptor after the other, and a state that names the latest: it has to be there, whenever this is killed.
  async counts() {
    const held = store.inherited.get('state');
    const state = held === undefined ? StateMemory.create('state') : StateMemory.open(held);
    if (held === undefined) store.add('state', state.fd);
    let { n } = state.read() ?? { n: 0 };
    if (n > 0) {
      const bytes = Buffer.alloc(8);
      const fd = store.inherited.get(`m${n}`);
      if (fd === undefined) return wrong(`m${n} is not there, but ${inherited.join()}`);
      readSync(fd, bytes, 0, 8, 0);
      if (Number(bytes.readBigUInt64LE()) !== n) return wrong(`m${n} is ${bytes.readBigUInt64LE()}`);
    }
    for (const name of inherited) if (name !== 'state' && name !== `m${n}`) store.remove(name);
    if (inherited.length > 4) return wrong(`too much is left: ${inherited.join()}`);
    tell({ n });
    for (;;) {
      n += 1;
      const next = createMemfd(`m${n}`, 8);
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(n));
      writeSync(next, bytes, 0, 8, 0);
      store.add(`m${n}`, next);
      state.write({ n, padding: 'x'.repeat(n % 300) });
      if (n > 1) store.remove(`m${n - 1}`);
      // Numbers of this process, not of the store.
      const { closeSync } = await import('node:fs');
      closeSync(next);
      if (n % 50 === 0) await store.barrier();
    }
  },
};

function wrong(text) {
  tell({ wrong: text });
  process.exit(1);
}

fstatSync(0);
await deeds[does]();
