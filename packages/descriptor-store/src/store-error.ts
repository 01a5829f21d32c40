/** A descriptor, or a state, cannot be kept, or is not what was kept; the message says what would help. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
