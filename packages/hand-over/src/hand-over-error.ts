/** Why nothing was handed over. */
export type HandOverProblem =
  /** Nobody is there, or nobody who can be taken over. */
  | 'nobody'
  /** The other side said no, with its reason. */
  | 'refused'
  /** The other side is of another user. */
  | 'stranger'
  /** The other side speaks another version of this, or keeps its state in another. */
  | 'version'
  /** The other side went, was silent for too long, or said something else than its turn was. */
  | 'broken'
  /** The other side died at the last moment, and somebody else goes on. */
  | 'orphaned';

/** Nothing was handed over: who had it before has it still. The message is one line for people. */
export class HandOverError extends Error {
  override readonly name = 'HandOverError';
  readonly problem: HandOverProblem;

  constructor(problem: HandOverProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
