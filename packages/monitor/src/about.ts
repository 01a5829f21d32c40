/** Who has the monitors, and whom it tells. */
export interface About {
  /** The program's name, as in `vpmemd`. */
  readonly program: string;
  /** Its version, as in `1.2.3`. */
  readonly version: string;
  /** One line for people. */
  warn(text: string): void;
  /** A defect of ours; the command it happened in has failed, nothing else. */
  internalError(error: unknown): void;
  /** One line for people: that start-up waits for a client. */
  info?(text: string): void;
  /** Ends the wait for clients: nothing is opened then. */
  readonly signal?: AbortSignal;
}
