/** What whoever runs the bench can put right: one line that says which option, what is wrong with it, and what would be right. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
