// The body of the thread that writes one recording: what the medium's thread has seen, encoded and appended in the same order.
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { fileExtents, GivenFile, RecordingWriter, type ChangedPages, type PagesCause } from '@vpmem/recording';
import { signalMedium } from './medium-messages.ts';
import { RecorderState, RecorderWords, type RecorderMessage, type RecorderThreadData } from './recorder-messages.ts';
import { GRANULARITY_BYTES } from './survival.ts';

const { target, file, size, port, words: shared, wake } = workerData as RecorderThreadData;
const words = new Int32Array(shared);
const fileSize = new BigInt64Array(shared, RecorderWords.fileSize, 1);
let taken = 0;
let failed = false as boolean;

nameThread('vpmem recorder');
const writer = attempt(begin);
if (writer !== undefined) {
  tellSize(writer);
  become(RecorderState.recording);
  while (carryOut(writer, receive()));
  become(failed ? RecorderState.failed : RecorderState.ended);
}

function begin(): RecordingWriter {
  const begun = target.fd === undefined ? RecordingWriter.create(target.path, { size }) : RecordingWriter.onto(new GivenFile(target.fd), { size });
  try {
    begun.base(fileExtents(file.fd, size, file.offset));
  } catch (error) {
    begun.discard();
    throw error;
  }
  return begun;
}

/** The next message; waits for it. */
function receive(): RecorderMessage {
  for (;;) {
    Atomics.wait(words, RecorderWords.posted, taken);
    const message = receiveMessageOnPort(port)?.message as RecorderMessage | undefined;
    if (message === undefined) continue;
    taken++;
    if (message.type !== 'run') return message;
    Atomics.sub(words, RecorderWords.waiting, message.before.length + message.after.length);
    Atomics.notify(words, RecorderWords.waiting);
    return message;
  }
}

/** False when nothing comes any more. */
function carryOut(recording: RecordingWriter, message: RecorderMessage): boolean {
  const rest = message.type === 'moment' ? runs() : [];
  // After a failure all that comes is taken, so that nobody waits for room, and is dropped.
  if (!failed) attempt(() => record(recording, message, rest));
  skip(rest);
  const goesOn = message.type !== 'end' && message.type !== 'incomplete';
  if (!goesOn) recording.close();
  tellSize(recording);
  Atomics.store(words, RecorderWords.done, taken);
  Atomics.notify(words, RecorderWords.done);
  return goesOn;
}

function record(recording: RecordingWriter, message: RecorderMessage, changed: Iterable<ChangedPages>): void {
  switch (message.type) {
    case 'asked':
      recording.flushAsked(message.flush);
      break;
    case 'moment':
      recording.pages(message.cause satisfies PagesCause, changed);
      break;
    case 'answered':
      recording.flushAnswered(message.flush, message.status, message.text);
      break;
    case 'mark':
      recording.mark(message.text);
      break;
    case 'client':
      recording.client(message.change, message.text);
      break;
    case 'reset':
      recording.reset();
      break;
    case 'cut':
      recording.cut(message.cut);
      break;
    case 'incomplete':
      recording.incomplete(message.reason);
      break;
    case 'end':
      recording.end();
      break;
    case 'run':
    case 'moment-end':
      throw new TypeError(`a ${message.type} of no moment`);
  }
}

/** Takes what is left. */
function skip(rest: Iterable<unknown>): void {
  const iterator = rest[Symbol.iterator]();
  while (iterator.next().done !== true);
}

/** The runs of the moment that has begun, one by one as they come, however many there are. */
function runs(): IterableIterator<ChangedPages> {
  let over = false;
  const next = (): IteratorResult<ChangedPages> => {
    const message = over ? undefined : receive();
    if (message?.type === 'run') return { done: false, value: { page: message.at / GRANULARITY_BYTES.page, before: message.before, after: message.after } };
    over = true;
    return { done: true, value: undefined };
  };
  const iterator: IterableIterator<ChangedPages> = { next, [Symbol.iterator]: () => iterator };
  return iterator;
}

/** Undefined where it could not be done: the recording has failed, and whoever posts is told why. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    failed = true;
    port.postMessage((error as Error).message);
    become(RecorderState.failed);
    signalMedium(new Int32Array(wake));
    return undefined;
  }
}

function become(state: number): void {
  Atomics.store(words, RecorderWords.state, state);
  Atomics.notify(words, RecorderWords.state);
}

function tellSize(recording: RecordingWriter): void {
  Atomics.store(fileSize, 0, BigInt(recording.offset));
}
