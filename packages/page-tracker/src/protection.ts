import { closeSync } from 'node:fs';
import { openWriteProtection, registerWriteProtection, SystemError, type FileMapping } from '@vpmem/native';
import { Obstacle } from './obstacle.ts';

/** Has stretches of a process's memory protected by userfaultfd(2), which only the process itself can do. */
export interface Protection {
  /**
   * Prepares mappings for protection.
   *
   * @returns those that can be protected; the others cannot ever be written to
   * @throws Obstacle
   */
  register(mappings: readonly FileMapping[]): readonly FileMapping[];
  /** By which it is protected, in another process; undefined: by none there, or none is left. */
  readonly descriptor: number | undefined;
  /** Undoes it, where that can be done. */
  close(): void;
}

/** In this process. */
export class OwnProtection implements Protection {
  readonly descriptor = undefined;
  #fd: number | undefined;

  register(mappings: readonly FileMapping[]): readonly FileMapping[] {
    try {
      const fd = (this.#fd ??= openWriteProtection());
      for (const { start, end } of mappings) registerWriteProtection(fd, start, end);
      return mappings;
    } catch (error) {
      if (error instanceof SystemError) throw new Obstacle(`this process cannot protect its memory: ${error.message}`);
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
