import type { ManagedMachine, PmemInfo } from '@vpmem/machine';

/** Milliseconds that the devices may take. */
export interface Patience {
  /** To find out what a power cut would cost: without it they are asked again. Default 1000. */
  readonly exposure?: number;
  /** To say the rest. Default 3000; less than the ten seconds that Prometheus waits. */
  readonly all?: number;
}

/** They were asked, and do not say how they are. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Asks a machine how its devices are, and does not wait for ever: not for a device thread that hangs, nor for a medium that is busy. */
export class PatientPmem {
  readonly #machine: Pick<ManagedMachine, 'pmem'>;
  readonly #patience: Required<Patience>;
  /** Questions that were given up and are still not answered: they are not piled up. */
  #unanswered = { exposed: 0, plain: 0 };

  constructor(machine: Pick<ManagedMachine, 'pmem'>, { exposure = 1000, all = 3000 }: Patience = {}) {
    this.#machine = machine;
    this.#patience = { exposure, all };
  }

  /** What a power cut would cost is left out where it cannot be found out in time. @throws NoAnswer, MachineError */
  async ask(): Promise<readonly PmemInfo[]> {
    const exposed = await this.#within('exposed', this.#patience.exposure);
    const found = exposed ?? (await this.#within('plain', this.#patience.all));
    if (found === undefined) throw new NoAnswer('the devices do not answer: they are busy, or have hung');
    return found;
  }

  /** Undefined if there is no answer in time, or an earlier question waits for one. */
  async #within(question: 'exposed' | 'plain', milliseconds: number): Promise<readonly PmemInfo[] | undefined> {
    if (this.#unanswered[question] > 0) return undefined;
    this.#unanswered[question]++;
    const answer = this.#machine.pmem({ exposure: question === 'exposed' }).finally(() => this.#unanswered[question]--);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), milliseconds)));
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
      // Whoever is late may fail unheard.
      answer.catch(() => undefined);
    }
  }
}
