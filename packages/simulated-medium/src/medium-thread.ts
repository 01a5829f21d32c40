// The body of the thread of one simulated medium: one job after the other, in the order they were asked for.
import { writeSync } from 'node:fs';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { MediumWords, type MediumJob, type MediumResult, type MediumThreadData } from './medium-messages.ts';
import { cutPower, flushMedium, makeImage, measureMedium } from './medium-work.ts';

const { medium, port, words: shared, eventFd } = workerData as MediumThreadData;
const words = new Int32Array(shared);
// What eventfd(2) wants to be written.
const ONE = Buffer.from(BigUint64Array.of(1n).buffer);
const NOTHING = { lost: 0, survived: 0 };

nameThread('vpmem medium');
for (let taken = 0, ended = false; !ended; ) {
  Atomics.wait(words, MediumWords.asked, taken);
  const job = receiveMessageOnPort(port)?.message as MediumJob | undefined;
  if (job === undefined) continue;
  // What was stored before anybody can see this is covered: memory is looked at after it.
  Atomics.store(words, MediumWords.begun, ++taken);
  port.postMessage(attempt(job));
  if (eventFd !== undefined) writeSync(eventFd, ONE);
  ended = job.type === 'end';
}

function attempt(job: MediumJob): MediumResult {
  try {
    return carryOut(job);
  } catch (error) {
    const { code = 'EIO', errno = -5, syscall = job.type, message } = error as NodeJS.ErrnoException;
    return { ok: false, code, errno: Math.abs(errno), syscall, message };
  }
}

function carryOut(job: MediumJob): MediumResult {
  switch (job.type) {
    case 'flush':
      return { ok: true, bytes: flushMedium(medium), losses: NOTHING };
    case 'measure':
      return { ok: true, bytes: measureMedium(medium), losses: NOTHING };
    case 'cut':
      return { ok: true, bytes: 0, losses: cutPower(medium, job.cut) };
    case 'image':
      return { ok: true, bytes: 0, losses: makeImage(medium, job.cut, job.path) };
    case 'end':
      return { ok: true, bytes: 0, losses: NOTHING };
  }
}
