/** The program cannot be set up as it was asked to be. The message is one line that names the option. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
