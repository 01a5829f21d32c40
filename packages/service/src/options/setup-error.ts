import { EXIT_STATUS } from '../exit-status.ts';

/** The program cannot be set up as it was asked to be. The message is one line that names the option. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  /** What the program returns: another start may be of use, where it is not `refused`. */
  readonly status: number;

  constructor(message: string, { status = EXIT_STATUS.refused, ...options }: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}
