import { closeSync } from 'node:fs';
import { identifyFile, Mapping } from '@vpmem/native';
import { CopiedWindow, DirectWindow, type MemoryWindow } from './memory-window.ts';

/** Where the bytes of a region are. */
export interface Backing {
  /** A window on `length` bytes from `offset`, to be known as guest address `start`. */
  window(start: number, offset: number, length: number): MemoryWindow;
  /** The region is gone. */
  release(): void;
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
  readonly mapping: Mapping;
  readonly direct: boolean;
  users: number;
}

/** Why a descriptor cannot back guest memory. */
export interface FileRefused {
  readonly code: 'not-a-file' | 'too-short';
  readonly detail: string;
}

/**
 * Guest RAM that arrives as file descriptors. Each file is mapped once, as a whole, however many regions lie in it, and
 * its descriptor is closed at once: firmware toggling its shadow areas re-maps the same file dozens of times.
 *
 * Memory that cannot shrink (F_SEAL_SHRINK) is touched directly, any other only through the kernel, so that a client that
 * truncates it cannot take the process down.
 */
export class FileBackings {
  readonly #files = new Map<string, SharedFile>();

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
    try {
      const identity = identifyFile(fd);
      if (!identity.regular) return { code: 'not-a-file', detail: 'the descriptor is no regular file' };
      if (end > identity.size) return { code: 'too-short', detail: `the file has ${identity.size} bytes, the region ends at ${end}` };
      // The size is part of the key: a file that has grown is mapped anew, the older regions keep the older mapping.
      const key = `${identity.device}:${identity.inode}:${identity.size}:${identity.cannotShrink}:${writable}`;
      const file = this.#files.get(key) ?? {
        mapping: Mapping.ofFile(fd, { length: identity.size, writable }),
        direct: identity.cannotShrink,
        users: 0,
      };
      this.#files.set(key, file);
      file.users++;
      return this.#backing(key, file);
    } finally {
      closeSync(fd);
    }
  }

  #backing(key: string, file: SharedFile): Backing {
    let released = false;
    return {
      window: (start, offset, length) =>
        file.direct
          ? new DirectWindow(start, file.mapping.window(offset, length))
          : new CopiedWindow(start, file.mapping.address + BigInt(offset), length),
      release: () => {
        if (released) return;
        released = true;
        if (--file.users > 0) return;
        this.#files.delete(key);
        file.mapping.unmap();
      },
    };
  }
}
