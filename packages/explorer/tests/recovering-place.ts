// A place whose checker recovers first, and may write for that.
import type { ImageTarget } from '@vpmem/recording';
import type { CheckAnswer, CheckPlace, CheckQuestion, MemoryVerdict, RecoveryStep } from '../src/index.ts';
import { PAGE } from './disk.ts';

/** A disk while it is recovered. */
export interface RecoveredDisk {
  byte(at: number): number;
  write(at: number, ...bytes: number[]): void;
  flush(): void;
}

export class RecoveringPlace implements CheckPlace {
  readonly kind = 'host';
  readonly target: ImageTarget;
  readonly #bytes: Uint8Array;
  readonly #recover: (disk: RecoveredDisk, question: CheckQuestion) => MemoryVerdict;

  constructor(size: number, recover: (disk: RecoveredDisk, question: CheckQuestion) => MemoryVerdict) {
    const bytes = (this.#bytes = new Uint8Array(size));
    const words = new Int32Array(bytes.buffer);
    this.#recover = recover;
    this.target = {
      size,
      write: (at, written) => bytes.set(written, at),
      xorPage: (page, sum) => {
        for (const [i, word] of sum.entries()) words[(page * PAGE) / 4 + i] = (words[(page * PAGE) / 4 + i] ?? 0) ^ word;
      },
    };
  }

  check(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#ask(this.#bytes.slice(), question);
  }

  checkBlank(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#ask(new Uint8Array(this.#bytes.length), question);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask(bytes: Uint8Array, question: CheckQuestion): Promise<CheckAnswer> {
    const writes: RecoveryStep[] = [];
    const disk: RecoveredDisk = {
      byte: (at) => bytes[at] ?? 0,
      write: (at, ...written) => {
        bytes.set(written, at);
        writes.push({ type: 'write', at, bytes: Uint8Array.from(written) });
      },
      flush: () => writes.push({ type: 'flush' }),
    };
    const { verdict, step = 'check', signature = '', output = '' } = this.#recover(disk, question);
    return Promise.resolve({ verdict, step, signature, output, reads: undefined, milliseconds: 0, ...(question.trace === true && { writes }) });
  }
}
