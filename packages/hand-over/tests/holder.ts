// A program that holds one connection, answers each byte that comes with its process number, and can be taken over. In the end it
// is what both sides of a hand-over are here.
import { AskedSocket, giveOver, Taking, type Giver } from '@vpmem/hand-over';
import { acceptUnix, listenAtPath, MessageSocket, whenReadable, WOULD_BLOCK } from '@vpmem/native';

const [role = '', ask = '', place = '', dies = ''] = process.argv.slice(2);
const end = (step: string): void => {
  if (step === dies) process.kill(process.pid, 'SIGKILL');
};
let serving = true;
let connection: MessageSocket;
/** How many bytes were answered; it goes from process to process. */
let answered = 0;

async function serve(fd: number): Promise<void> {
  connection = new MessageSocket(fd);
  for (;;) {
    await whenReadable(fd, 50);
    if (!serving) continue;
    const byte = new Uint8Array(1);
    const count = connection.receive(byte, []);
    if (count === 0) return process.exit(0);
    if (count === WOULD_BLOCK) continue;
    answered++;
    connection.send(Buffer.from(`${process.pid} ${answered}\n`));
  }
}

const giver: Giver = {
  offer: { program: 'holder', version: '1', pid: process.pid, state: 1, words: [], folder: '/', about: null },
  stop: () => {
    serving = false;
    return Promise.resolve();
  },
  save: (put) => Promise.resolve({ answered, connection: put(connection.fd), again: put(connection.fd) }),
  proceed: () => (serving = true),
  step: end,
};

async function beAsked(): Promise<void> {
  await AskedSocket.open(ask, (path) => {
    void giveOver(giver, path).then((outcome) => {
      process.stdout.write(`${JSON.stringify(outcome)}\n`);
      if (outcome.outcome === 'given') process.exit(0);
    });
    return undefined;
  });
}

if (role === 'give') {
  const listener = listenAtPath(place);
  await beAsked();
  process.stdout.write('ready\n');
  await whenReadable(listener.fd);
  await serve(acceptUnix(listener.fd) ?? -1);
} else {
  try {
    const taking = await Taking.begin(ask, place, end);
    const { state, take } = await taking.receive();
    const saved = state as { answered: number; connection: number; again: number };
    if (saved.connection !== saved.again) throw new Error('one descriptor has two numbers');
    answered = saved.answered;
    const fd = take(saved.connection);
    if (role === 'refuse') {
      taking.abandon('no, thank you');
      process.exit(3);
    }
    await taking.claim();
    taking.finish();
    void serve(fd);
    process.stdout.write('taken\n');
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}
