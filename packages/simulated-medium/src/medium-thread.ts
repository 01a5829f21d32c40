// The body of the thread of one simulated medium: one job after the other, in the order they were asked for.
import { writeSync } from 'node:fs';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { Medium } from './medium.ts';
import { MediumWords, type MediumJob, type MediumNotice, type MediumResult, type MediumThreadData } from './medium-messages.ts';

const { medium: tracked, tracker, port, words: shared, eventFd } = workerData as MediumThreadData;
const words = new Int32Array(shared);
// What eventfd(2) wants to be written.
const ONE = Buffer.from(BigUint64Array.of(1n).buffer);

nameThread('vpmem medium');
let failure: (MediumResult & { ok: false }) | undefined;
let medium: Medium | undefined;
// Nobody hears of a thread that dies: the device thread has no event loop of node's. So it lives, and every job fails.
guard('open', () => (medium = new Medium(tracked, tracker, shared)));
let told: string | undefined;
for (let taken = 0, ended = false; !ended; ) {
  const signals = Atomics.load(words, MediumWords.signals);
  guard('tick', () => medium?.tick());
  tellOfFailure();
  const job = receiveMessageOnPort(port)?.message as MediumJob | undefined;
  if (job === undefined) {
    // Not if anything came since.
    Atomics.wait(words, MediumWords.signals, signals, failure === undefined ? medium?.untilTick : undefined);
    continue;
  }
  // What was stored before anybody can see this is covered: memory is looked at after it.
  Atomics.store(words, MediumWords.begun, ++taken);
  send(attempt(job));
  ended = job.type === 'end' || job.type === 'let-go';
}

/** After what goes wrong in `work` nothing can be done any more: why is the answer to all that is asked. */
function guard(what: string, work: () => void): void {
  try {
    if (failure === undefined) work();
  } catch (error) {
    failure = refusal(error, what);
  }
}

/** A recording that has failed is told of once; whoever listens may have nothing to ask for. */
function tellOfFailure(): void {
  if (medium === undefined) return;
  const { status } = medium;
  const incomplete = status.recording?.incomplete;
  if (incomplete !== undefined && incomplete !== told) send({ type: 'notice', status });
  told = incomplete;
}

function send(message: MediumResult | MediumNotice): void {
  port.postMessage(message);
  if (eventFd !== undefined) writeSync(eventFd, ONE);
}

function attempt(job: MediumJob): MediumResult {
  if (medium === undefined || failure !== undefined) return failure ?? refusal(new Error('it was not opened'), 'open');
  try {
    medium.note(job.noted ?? []);
    const done = carryOut(medium, job);
    return { ok: true, bytes: 0, parts: [], losses: { lost: 0, survived: 0 }, marked: false, ended: undefined, held: undefined, status: medium.status, ...done };
  } catch (error) {
    return refusal(error, job.type);
  }
}

function refusal(error: unknown, what: string): MediumResult & { ok: false } {
  const { code = 'EIO', errno = -5, syscall = what, message } = error as NodeJS.ErrnoException;
  return { ok: false, code, errno: Math.abs(errno), syscall, message };
}

function carryOut(medium: Medium, job: MediumJob): Partial<MediumResult & { ok: true }> | undefined {
  switch (job.type) {
    case 'flush':
      return { bytes: medium.flush(job.flush) };
    case 'failed':
      medium.failed(job.flush, job.reason);
      return undefined;
    case 'measure':
      return medium.measure();
    case 'cut':
      return { losses: medium.cut(job.cut) };
    case 'image':
      return { losses: medium.image(job.cut, job.path) };
    case 'client':
      medium.client(job.change, job.pid);
      return undefined;
    case 'reset':
      medium.reset();
      return undefined;
    case 'begin-recording':
      medium.beginRecording(job.order.target, job.order.interval);
      return undefined;
    case 'end-recording':
      return { ended: medium.endRecording() };
    case 'mark':
      return { marked: medium.mark(job.text) };
    case 'continue':
      medium.continue(job.clients, job.recording);
      // Whoever went before has told of it.
      told = job.recording?.saved.incomplete;
      return undefined;
    case 'hold':
      return { held: medium.hold() };
    case 'proceed':
      medium.proceed();
      return undefined;
    case 'let-go':
      medium.letGo();
      return undefined;
    case 'end':
      medium.close();
      return undefined;
  }
}
