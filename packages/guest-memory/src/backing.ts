import { closeSync } from 'node:fs';
import { identifyFile, Mapping, type FileIdentity } from '@vpmem/native';
import { MapBudget, type MapLimits } from './map-budget.ts';
import { CopiedWindow, DirectWindow, type MemoryWindow } from './memory-window.ts';

/** Where the bytes of a region are. */
export interface Backing {
  /** A window on `length` bytes from `offset`, to be known as guest address `start`. */
  window(start: number, offset: number, length: number): MemoryWindow;
  /** The region is gone. */
  release(): void;
  /** The file the bytes are in, for whoever hands them on; the backing's own. Absent where there is none. */
  readonly descriptor?: number;
}

/** Memory of this process, for a guest that runs in it. */
export function bufferBacking(buffer: ArrayBuffer): Backing {
  return {
    window: (start, offset, length) => {
      if (offset === 0 && length === buffer.byteLength) return new DirectWindow(start, buffer);
      throw new RangeError('a buffer backs exactly one region');
    },
    release: () => undefined,
  };
}

interface SharedFile {
  /** Kept so that another process can map it too. */
  readonly fd: number;
  readonly mapping: Mapping;
  readonly direct: boolean;
  users: number;
}

/** Why a descriptor cannot back guest memory. */
export interface FileRefused {
  readonly code: 'not-a-file' | 'too-short' | 'too-much';
  readonly detail: string;
}

/**
 * Guest RAM that arrives as file descriptors. Each file is mapped once, as a whole, however many regions lie in it, and
 * one descriptor of it is kept: firmware toggling its shadow areas re-maps the same file dozens of times.
 *
 * Memory that can always be touched (sealed against shrinking, and no huge pages) is touched directly, any other only through
 * the kernel, so that a client that truncates it cannot take the process down. How much there may be is limited, because
 * without mappings to spare this process ends too.
 */
export class FileBackings {
  readonly #files = new Map<string, SharedFile>();
  readonly #budget: MapBudget;
  readonly #closing: (fd: number) => void;

  /** `limits` on what is mapped at a time; default: what any VM needs. `closing` hears of each descriptor before it is closed. */
  constructor(limits?: MapLimits, closing: (fd: number) => void = () => undefined) {
    this.#budget = new MapBudget(limits);
    this.#closing = closing;
  }

  /** Files mapped at present. */
  get size(): number {
    return this.#files.size;
  }

  /**
   * Takes over `fd`, whatever the result. `end` is the last byte needed plus one; with `writable` false the memory is
   * mapped for reading only.
   *
   * @throws SystemError when the kernel will not map it
   */
  open(fd: number, end: number, writable: boolean): Backing | FileRefused {
    let kept = false;
    try {
      const identity = identifyFile(fd);
      if (!identity.regular) return { code: 'not-a-file', detail: 'the descriptor is no regular file' };
      if (end > identity.size) return { code: 'too-short', detail: `the file has ${identity.size} bytes, the region ends at ${end}` };
      // The size is part of the key: a file that has grown is mapped anew, the older regions keep the older mapping.
      const key = `${identity.device}:${identity.inode}:${identity.size}:${identity.neverFaults}:${writable}`;
      const file = this.#files.get(key) ?? this.#map(fd, identity, writable);
      if (typeof file === 'string') return { code: 'too-much', detail: file };
      kept = file.fd === fd;
      this.#files.set(key, file);
      file.users++;
      return this.#backing(key, file);
    } finally {
      if (!kept) closeSync(fd);
    }
  }

  /** The file, or why it would be too much. */
  #map(fd: number, { size, neverFaults }: FileIdentity, writable: boolean): SharedFile | string {
    const problem = this.#budget.take(size);
    if (problem !== undefined) return problem;
    try {
      return { fd, mapping: Mapping.ofFile(fd, { length: size, writable }), direct: neverFaults, users: 0 };
    } catch (error) {
      this.#budget.give(size);
      throw error;
    }
  }

  #backing(key: string, file: SharedFile): Backing {
    let released = false;
    return {
      descriptor: file.fd,
      window: (start, offset, length) =>
        file.direct
          ? new DirectWindow(start, file.mapping.window(offset, length))
          : new CopiedWindow(start, file.mapping.address + BigInt(offset), length),
      release: () => {
        if (released) return;
        released = true;
        if (--file.users > 0) return;
        this.#files.delete(key);
        this.#budget.give(file.mapping.length);
        file.mapping.unmap();
        this.#closing(file.fd);
        closeSync(file.fd);
      },
    };
  }
}
