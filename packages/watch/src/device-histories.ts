import { duration, goesOn, intervalBetween, type Sample } from './flush-interval.ts';
import type { PmemInfo } from './pmem-info.ts';
import type { DeviceView } from './round.ts';

/** The devices of one program, from answer to answer. */
export class DeviceHistories {
  /** By id: the answer that the next is compared with. */
  readonly #bases = new Map<string, Sample>();

  /** Takes an answer. @param asked when it was asked for, in milliseconds of a clock that does not jump; `came` likewise */
  take(answer: readonly PmemInfo[], asked: number, came: number): DeviceView[] {
    const ids = new Set(answer.map(({ id }) => id));
    for (const id of this.#bases.keys()) if (!ids.has(id)) this.#bases.delete(id);
    return answer.map((info) => this.#view({ info, asked, came }));
  }

  /** The device is gone: one of the same name is another. */
  forget(id: string): void {
    this.#bases.delete(id);
  }

  #view(sample: Sample): DeviceView {
    const { info } = sample;
    const base = this.#bases.get(info.id);
    const known = base !== undefined && goesOn(base, sample) ? base : undefined;
    const interval = known && intervalBetween(known, sample);
    // What came too late to count from is left out: the next is compared with the one before it. But not for ever with one that came later still.
    if (known === undefined || interval !== undefined || duration(sample) < duration(known) / 2) this.#bases.set(info.id, sample);
    return { info, interval };
  }
}
