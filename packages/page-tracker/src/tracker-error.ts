/** Pages cannot be tracked in the way that was asked for; the message says why. */
export class TrackerError extends Error {
  override readonly name = 'TrackerError';
}
