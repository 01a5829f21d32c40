/** An address at which nobody can be told anything. The message says what is wrong with it and what would be right; whoever reports it names the option. */
export class MetricsError extends Error {
  override readonly name = 'MetricsError';
}
