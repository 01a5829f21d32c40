/**
 * Gives turns at `items`, in their order and round and round, to workers that each do one at a time. A worker says whether its item wants another turn; none
 * is worked on by two at once. @throws what a worker throws first, when all have stopped
 */
export async function takeTurns<T>(items: readonly T[], workers: readonly ((item: T) => Promise<boolean>)[]): Promise<void> {
  const queue = [...items];
  let working = 0;
  let failure: { readonly error: unknown } | undefined;
  let idle: (() => void)[] = [];
  const work = async (worker: (item: T) => Promise<boolean>): Promise<void> => {
    while (failure === undefined) {
      const item = queue.shift();
      if (item === undefined) {
        // What somebody works on may want another turn.
        if (working === 0) break;
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      working++;
      try {
        if (await worker(item)) queue.push(item);
      } catch (error) {
        failure ??= { error };
      } finally {
        working--;
        for (const wake of idle) wake();
        idle = [];
      }
    }
  };
  await Promise.all(workers.map(work));
  // The compiler does not see that others set it.
  const first = failure as { readonly error: unknown } | undefined;
  if (first !== undefined) throw first.error;
}
