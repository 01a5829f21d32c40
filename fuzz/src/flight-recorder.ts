import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Target } from './target.ts';

const HEADER = 8;

/** Keeps the input that is being run in a file, for whoever finds the process dead. */
export class FlightRecorder {
  readonly #fd: number;
  readonly #buffer: Buffer;
  #count = 0;

  constructor(file: string, maxLength: number) {
    this.#fd = openSync(file, 'w');
    this.#buffer = Buffer.alloc(HEADER + maxLength);
  }

  /** The same target, whose inputs are recorded before they are run. */
  watch(target: Target): Target {
    return {
      ...target,
      run: (input) => {
        this.#record(input);
        return target.run(input);
      },
    };
  }

  #record(input: Uint8Array): void {
    this.#buffer.writeUInt32LE(++this.#count >>> 0, 0);
    this.#buffer.writeUInt32LE(input.length, 4);
    this.#buffer.set(input, HEADER);
    writeSync(this.#fd, this.#buffer, 0, HEADER + input.length, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What a recorder kept last, and how many it has kept; undefined if it never got to it. */
export function readRecord(file: string): { readonly count: number; readonly input: Uint8Array } | undefined {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  if (bytes.length < HEADER) return undefined;
  return { count: bytes.readUInt32LE(0), input: bytes.subarray(HEADER, HEADER + bytes.readUInt32LE(4)) };
}
