import { closeSync, fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { SaveDescriptor, TakeDescriptor } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import { MachineError } from './machine-error.ts';
import { saveSource } from './saved-source.ts';

/** A memory backend for a process that continues this one's work: plain JSON, each descriptor by its number. */
export interface SavedBackend {
  /** What it was made of. */
  readonly source: PropertySource;
  /** Without what is told beside it. */
  readonly description: Omit<BackendDescription, 'fd' | 'witness' | 'medium' | 'recording' | 'locks'>;
  readonly fd: number;
  readonly witness?: number;
  readonly medium?: { readonly fd: number; readonly offset: number };
  readonly recording?: { readonly path: string; readonly fd: number; readonly interval?: number };
  readonly locks: readonly number[];
}

/** A backend, open, as plain data. */
export function saveBackend(source: PropertySource, description: BackendDescription, put: SaveDescriptor): SavedBackend {
  const { fd, witness, medium, recording, locks = [], path, ...rest } = description;
  return {
    source: saveSource(source),
    // The process that goes on may be in another folder.
    description: { ...rest, path: path === undefined ? undefined : resolve(path) },
    fd: put(fd),
    ...(witness !== undefined && { witness: put(witness) }),
    ...(medium !== undefined && { medium: { fd: put(medium.fd), offset: medium.offset } }),
    ...(recording !== undefined && { recording: { path: resolve(recording.path), fd: put(recording.fd), ...(recording.interval !== undefined && { interval: recording.interval }) } }),
    locks: locks.map(put),
  };
}

/** The same backend, open, of this process. @throws MachineError with nothing left open, RangeError for a descriptor that is not there */
export function restoreBackend(saved: SavedBackend, take: TakeDescriptor): BackendDescription {
  const open: number[] = [];
  const own = (number: number): number => {
    const fd = take(number);
    open.push(fd);
    return fd;
  };
  try {
    const { description, medium, recording } = saved;
    const backend: BackendDescription = {
      // What JSON leaves out.
      ...{ path: undefined, volatile: undefined },
      ...description,
      fd: own(saved.fd),
      ...(saved.witness !== undefined && { witness: own(saved.witness) }),
      ...(medium !== undefined && { medium: { fd: own(medium.fd), offset: medium.offset } }),
      ...(recording !== undefined && { recording: { path: recording.path, fd: own(recording.fd), interval: recording.interval } }),
      locks: saved.locks.map(own),
    };
    checkSize(backend);
    return backend;
  } catch (error) {
    for (const fd of open) closeSync(fd);
    throw error;
  }
}

/** A file that is shorter than what a guest has mapped of it would end the guest, and not be the backend it was. */
function checkSize({ id, fd, offset, size }: BackendDescription): void {
  const stat = fstatSync(fd);
  if (stat.isBlockDevice() || stat.size >= offset + size) return;
  throw new MachineError('bad-size', 'size', `memory backend '${id}' was handed over with a file of ${stat.size} bytes, where ${offset + size} are needed`);
}
