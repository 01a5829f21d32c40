import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { RecoveryStep } from '@vpmem/explorer';

/** Bytes of one trace: a recovery that writes more is followed so far. */
const MOST = 256 * 2 ** 20;
const OPEN_END = `nothing is known of what was written after ${MOST / 2 ** 20} MiB`;

/** Tells another thread what is written, and in which order; that has it before whoever wrote has an answer. */
export class WriteTrace {
  readonly #port: MessagePort;
  #number = 0;
  #bytes = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** `trace` is the number of the trace, which tells it from the one before. */
  write(trace: number, at: number, bytes: Uint8Array): void {
    if (!this.#isOpen(trace)) return;
    this.#bytes += bytes.length;
    // A copy: the bytes are those of a buffer that is used again.
    this.#tell(this.#bytes > MOST ? { type: 'lost', text: OPEN_END } : { type: 'write', at, bytes: bytes.slice() });
  }

  flush(trace: number): void {
    if (this.#isOpen(trace)) this.#tell({ type: 'flush' });
  }

  #isOpen(trace: number): boolean {
    if (trace !== this.#number) [this.#number, this.#bytes] = [trace, 0];
    return this.#bytes <= MOST;
  }

  #tell(step: RecoveryStep): void {
    this.#port.postMessage(step);
  }
}

/** What has been told and was not taken, without waiting. */
export function takeSteps(port: MessagePort): RecoveryStep[] {
  const steps: RecoveryStep[] = [];
  for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port)) steps.push(told.message as RecoveryStep);
  return steps;
}
