// The body of the thread that writes one recording: what the medium's thread has seen, encoded and appended in the same order.
import { workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { fileExtents, type ChangedPages, type PagesCause, type RecordingWriter } from '@vpmem/recording';
import { signalMedium } from './medium-messages.ts';
import { beginWriting, endInterruptedFile, endsAsLeft, resumeWriting } from './recorded-file.ts';
import { asItWas } from './recorded-base.ts';
import { RecorderInbox } from './recorder-inbox.ts';
import { RecorderState, RecorderWords, type RecorderMessage, type RecorderReply, type RecorderThreadData } from './recorder-messages.ts';
import { GRANULARITY_BYTES } from './survival.ts';

const { target, goesOn, file, size, port, words: shared, wake } = workerData as RecorderThreadData;
const words = new Int32Array(shared);
const fileSize = new BigInt64Array(shared, RecorderWords.fileSize, 1);
const inbox = new RecorderInbox(port, words);
const LAST: ReadonlySet<RecorderMessage['type']> = new Set(['end', 'incomplete', 'let-go']);
let failed = false;

nameThread('vpmem recorder');
const writer = attempt(open);
// Whoever goes on does not wait to hear that it cannot.
if (writer !== undefined || goesOn !== undefined) {
  if (!hasFailed()) become(RecorderState.recording);
  if (goesOn === undefined && writer !== undefined) attempt(() => writeBase(writer));
  Atomics.store(words, RecorderWords.based, 1);
  tellSize();
  while (carryOut(inbox.receive()));
  become(hasFailed() ? RecorderState.failed : RecorderState.ended);
}

function open(): RecordingWriter | undefined {
  if (goesOn === undefined) return beginWriting(target, size);
  if ('writer' in goesOn) return resumeWriting(target, goesOn.writer, size);
  const { flushes, marks, bytes, ending } = endInterruptedFile(target, goesOn.interrupted);
  Atomics.store(fileSize, 0, BigInt(bytes));
  fail({ type: 'interrupted', flushes, marks, reason: ending.text });
  return undefined;
}

/** That takes long where there is much. Flushes go on meanwhile, and wait here. */
function writeBase(recording: RecordingWriter): void {
  try {
    recording.base(asItWas(fileExtents(file.fd, size, file.offset), inbox));
  } catch (error) {
    // Nobody can read what has no base.
    recording.discard();
    throw error;
  }
}

/** False when nothing comes any more. */
function carryOut(message: RecorderMessage): boolean {
  const rest = message.type === 'moment' ? runs() : undefined;
  // After a failure all that comes is taken, so that nobody waits for room, and is dropped.
  if (writer !== undefined && !hasFailed()) attempt(() => record(writer, message, rest ?? []));
  while (rest?.next().done === false);
  const last = LAST.has(message.type);
  if (last) writer?.close();
  tellSize();
  Atomics.store(words, RecorderWords.done, inbox.received);
  Atomics.notify(words, RecorderWords.done);
  return !last;
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
    case 'hold':
      port.postMessage({ type: 'held', writer: recording.save() } satisfies RecorderReply);
      break;
    case 'proceed':
      endsAsLeft(target, recording.offset);
      break;
    case 'let-go':
      // It is another's now.
      break;
    case 'incomplete':
      recording.incomplete(message.reason);
      break;
    case 'end':
      recording.end();
      break;
    case 'runs':
    case 'moment-end':
      throw new TypeError(`a ${message.type} of no moment`);
  }
}

/** The runs of the moment that has begun, one by one as they come, however many there are. */
function* runs(): Generator<ChangedPages, undefined> {
  for (let message = inbox.receive(); message.type === 'runs'; message = inbox.receive()) {
    let from = 0;
    for (const [at, length] of message.places) {
      const to = from + length;
      yield { page: at / GRANULARITY_BYTES.page, before: message.before.subarray(from, to), after: message.after.subarray(from, to) };
      from = to;
    }
  }
}

/** Undefined where it could not be done: the recording has failed, and whoever posts is told why. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    fail({ type: 'failed', reason: (error as Error).message });
    return undefined;
  }
}

function fail(reply: RecorderReply): void {
  failed = true;
  port.postMessage(reply);
  become(RecorderState.failed);
  signalMedium(new Int32Array(wake));
}

/** It changes in between, which the compiler does not see. */
function hasFailed(): boolean {
  return failed;
}

function become(state: number): void {
  Atomics.store(words, RecorderWords.state, state);
  Atomics.notify(words, RecorderWords.state);
}

function tellSize(): void {
  if (writer !== undefined) Atomics.store(fileSize, 0, BigInt(writer.offset));
}
