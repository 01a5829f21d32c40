import { fstatSync, statSync } from 'node:fs';
import { changesSince, DescriptorFile, endInterrupted, GivenFile, OldFile, RecordingWriter, type AppendFile, type FramePosition, type InterruptedRecording, type WriterState } from '@vpmem/recording';
import { PAGE_SIZE } from '@vpmem/page-tracker';
import type { RecordingTarget } from './recorder-messages.ts';

/** A recording that begins. @throws RecordingError, NodeJS.ErrnoException */
export function beginWriting(target: RecordingTarget, size: number): RecordingWriter {
  return target.fd === undefined ? RecordingWriter.create(target.path, { size }) : RecordingWriter.onto(new GivenFile(target.fd), { size });
}

/** One that another has saved goes on. @throws RecordingError, NodeJS.ErrnoException */
export function resumeWriting(target: RecordingTarget, state: WriterState, size: number): RecordingWriter {
  return withFile(target, (file, fd) => RecordingWriter.resume(file, new DescriptorFile(fd), state, { size }));
}

/** One whose writer has died ends. @throws RecordingError, NodeJS.ErrnoException */
export function endInterruptedFile(target: RecordingTarget, reason: string): InterruptedRecording {
  return withFile(target, (file, fd) => {
    const left = endInterrupted(file, new DescriptorFile(fd), reason);
    file.close();
    return left;
  });
}

/** What was recorded of pages from `from` to `to`, by their numbers: what they changed by. Of `size` bytes of memory. @throws Error */
export function volatileChanges(target: RecordingTarget, from: FramePosition, to: FramePosition, size: number): Map<number, Int32Array> {
  return withFile(target, (file, fd) => {
    const changes = changesSince(new DescriptorFile(fd), from, to, size / PAGE_SIZE);
    file.close();
    return changes;
  });
}

/** @throws Error if another has written to it since this one has: then it ends where that has left it */
export function endsAsLeft(target: RecordingTarget, offset: number): void {
  const { size } = target.fd === undefined ? statSync(target.path) : fstatSync(target.fd);
  if (size === offset) return;
  const reason = 'gap: another process went on with it, and is gone';
  endInterruptedFile(target, reason);
  throw new Error(reason);
}

function withFile<T>({ path, fd }: RecordingTarget, use: (file: AppendFile, fd: number) => T): T {
  if (fd !== undefined) return use(new GivenFile(fd), fd);
  const file = new OldFile(path);
  try {
    return use(file, file.fd);
  } catch (error) {
    file.close();
    throw error;
  }
}
