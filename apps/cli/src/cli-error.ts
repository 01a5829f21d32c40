/** Something the user has to put right. The message is one line. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
