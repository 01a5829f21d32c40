/** The number of this protocol: the order of its messages. A side that speaks another is refused before anything has stopped. */
export const PROTOCOL = 1;

/** Milliseconds one side waits for the other while nothing has stopped: the other may be starting. */
export const PATIENCE = 10_000;

/** The same while nobody serves: a VM's own patience is 5 s. */
export const SHORT_PATIENCE = 3000;

/** Steps of the one that gives, in their order. */
export const GIVER_STEPS = ['asked', 'offered', 'stopped', 'saved', 'sent', 'heard', 'passed', 'yours', 'done'] as const;
/** Steps of the one that takes, in their order. */
export const TAKER_STEPS = ['connected', 'offered', 'ready', 'received', 'restored', 'yours', 'serving', 'done'] as const;

/** A step of the process that gives. */
export type GiverStep = (typeof GIVER_STEPS)[number];
/** A step of the process that takes. */
export type TakerStep = (typeof TAKER_STEPS)[number];

/** Who runs, as it tells whoever wants to take over. */
export interface Offer {
  readonly program: string;
  readonly version: string;
  readonly pid: number;
  /** The version in which its state is written. */
  readonly state: number;
  /** The words of its command line, and the folder in which it was started. */
  readonly words: readonly string[];
  readonly folder: string;
  /** What its own program wants the other one to know before it decides; plain JSON. */
  readonly about: unknown;
}
