import { channel } from 'node:diagnostics_channel';
import { closeSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { createMemfd, dataExtents, neverWaits, preallocate, punchHole, type FileSpan } from '@vpmem/native';
import { BackendError } from './backend-error.ts';
import type { BackendDescription } from './backend-description.ts';
import { PAGE_SIZE, type BackendOptions, type FileBackendOptions } from './backend-options.ts';
import { checkOptions, keepsApart } from './backend-rules.ts';
import { applyPolicy } from './numa-policy.ts';
import { abandonFile, openBackingFile } from './files/open-file.ts';
import { openRam } from './open-ram.ts';
import type { OpenedFile } from './files/opened-file.ts';
import { closeRecordingFile, makeRecordingFile, removeRecordingFile } from './files/recording-file.ts';
import { checkDiscard, diskError, prepareStorage } from './files/storage.ts';

/** Published before a backend is opened. */
export interface BackendOpeningMessage {
  /** What it is opened with; a subscriber may put others in their place. */
  options: BackendOptions;
}

/** `node:diagnostics_channel` name for {@link BackendOpeningMessage}. */
export const BACKEND_OPENING_CHANNEL = 'vpmem:memory-backend:opening';
const opening = channel(BACKEND_OPENING_CHANNEL);

const readAsync = promisify(read);
const writeAsync = promisify(write);
const COPY_CHUNK = 2 ** 20;

/**
 * Opens a memory backend by QEMU's rules, with one difference that the manual promises and QEMU does not keep: a file of
 * another size than `size` is an error, larger or smaller.
 *
 * @throws BackendError with nothing left behind
 */
export async function openBackend(given: BackendOptions): Promise<BackendDescription> {
  const message: BackendOpeningMessage = { options: given };
  opening.publish(message);
  const { options } = message;
  checkOptions(options);
  if (options.type !== 'memory-backend-file') return openRam(options);
  const opened = openBackingFile(options);
  try {
    if (options.share !== true || options.readonly === true) return await copyPrivately(options, opened);
    checkDiscard(options, opened);
    const remarks = prepareStorage(options, opened);
    const description = { ...describeShared(options, opened), remarks };
    return keepsApart(options) ? await keepApart(options, opened, description) : description;
  } catch (error) {
    abandonFile(options.memPath, opened);
    throw error;
  }
}

/** Lets go of a backend; its file stays, emptied if discard-data=on. What a simulated medium was not told to flush is lost. */
export function closeBackend({ fd, locks = [], offset, size, discardData, medium, recording, witness }: BackendDescription): void {
  const file = medium ?? { fd, offset };
  try {
    if (discardData) punchHole(file.fd, file.offset, size);
  } finally {
    closeSync(fd);
    if (witness !== undefined) closeSync(witness);
    if (medium !== undefined) closeSync(medium.fd);
    if (recording !== undefined) closeRecordingFile(recording);
    for (const lock of locks) closeSync(lock);
  }
}

/** Lets go of a backend nobody has used, and leaves things as they were before it was opened. */
export function abandonBackend({ fd, locks = [], path, was, medium, recording, witness }: BackendDescription): void {
  abandonFile(path ?? '', { fd: medium?.fd ?? fd, locks, was });
  if (witness !== undefined) closeSync(witness);
  if (medium !== undefined) closeSync(fd);
  if (recording !== undefined) removeRecordingFile(recording);
}

function describeShared(options: FileBackendOptions, { fd, kind, locks, was }: OpenedFile): BackendDescription {
  const { id, type, size, memPath, offset = 0, align = PAGE_SIZE, discardData = false } = options;
  const common = { id, type, size, fd, kind, locks, offset, align, discardData, was, syncsAtOnce: neverWaits(fd) };
  if (was !== 'unnamed') return { ...common, path: memPath, volatile: undefined };
  const reason = `memory-backend-file '${id}': mem-path '${memPath}' is a directory, so the file has no name and vanishes with this process`;
  return { ...common, path: undefined, volatile: reason };
}

/** power-failure=on: memory begins with what is durable, and from then on only a flush brings them together. */
async function keepApart(options: FileBackendOptions, opened: OpenedFile, description: BackendDescription): Promise<BackendDescription> {
  const { id, memPath } = options;
  if (opened.was === 'unnamed') {
    throw new BackendError('conflict', 'power-failure', `memory backend '${id}': power-failure=on needs a file that can be looked at afterwards, and mem-path '${memPath}' is a directory`);
  }
  const medium = { fd: opened.fd, offset: options.offset ?? 0 };
  const recording = makeRecordingFile(options);
  try {
    const memory = await copyToMemory(options, medium);
    return { ...description, ...memory, offset: 0, medium, ...(recording !== undefined && { recording }), ...(options.pageTracker !== undefined && { tracker: options.pageTracker }) };
  } catch (error) {
    if (recording !== undefined) removeRecordingFile(recording);
    throw error;
  }
}

/** share=off, or readonly=on: a client can only map what it may write to, so it gets a copy and the file is let go. */
async function copyPrivately(options: FileBackendOptions, { fd: source, locks, was }: OpenedFile): Promise<BackendDescription> {
  const { id, type, size, memPath, readonly = false, rom, align = PAGE_SIZE } = options;
  const copy = await copyToMemory(options, { fd: source, offset: options.offset ?? 0 }, options.prealloc);
  closeSync(source);
  for (const lock of locks) closeSync(lock);
  const why = readonly ? 'readonly=on' : 'share=off';
  const reason = `memory-backend-file '${id}': ${why}, so guest writes go to a private copy of '${memPath}' and nothing will persist`;
  return { id, type, size, ...copy, offset: 0, align, readonly: readonly && rom !== 'off', path: memPath, volatile: reason, discardData: false, was };
}

/** New memory that holds what the file does. */
async function copyToMemory(options: FileBackendOptions, file: FileSpan, prealloc = false): Promise<{ fd: number; remarks: string[] }> {
  const { id, size } = options;
  const fd = createMemfd(id, size);
  try {
    const remark = applyPolicy(options, fd, 0);
    if (prealloc) preallocate(fd, 0, size);
    await copyInto(fd, file, size);
    return { fd, remarks: remark === undefined ? [] : [remark] };
  } catch (error) {
    closeSync(fd);
    throw error instanceof BackendError ? error : diskError(options, error, prealloc ? 'prealloc' : 'size');
  }
}

/** Copies what the file holds to the beginning of `target`, and leaves holes. */
async function copyInto(target: number, { fd, offset }: FileSpan, size: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_CHUNK);
  for (const extent of dataExtents(fd, offset, offset + size)) {
    for (let at = extent.start; at < extent.end; ) {
      const { bytesRead } = await readAsync(fd, buffer, 0, Math.min(COPY_CHUNK, extent.end - at), at);
      if (bytesRead === 0) break;
      await writeAsync(target, buffer, 0, bytesRead, at - offset);
      at += bytesRead;
    }
  }
}
