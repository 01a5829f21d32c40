/** Hears that the platform wants an operating system to run a method. */
export type EventHandler = (event: number) => void;

/** ACPI 6.5 §5.6.4, general-purpose events: how a platform tells its operating system to evaluate `\_GPE._Exx`. */
export class GeneralPurposeEvents {
  #handler: EventHandler | undefined;

  /** The operating system's handler; there is one. */
  connect(handler: EventHandler): void {
    this.#handler = handler;
  }

  /** Something happened. Nobody hears of it while no operating system runs: one that starts looks at everything anyway. */
  raise(event: number): void {
    this.#handler?.(event);
  }
}
