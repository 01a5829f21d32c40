import { begin, end } from './coverage.ts';
import { Violation, type Target } from './target.ts';

/** What one input came to: undefined, or what it has found. */
export type Finding = { readonly error: Error; readonly key: string } | undefined;

/** Runs one input; what it passed can be asked of the coverage until the next. */
export async function tryInput(target: Target, input: Uint8Array): Promise<Finding> {
  begin({ steps: target.maxSteps(input.length), bytes: target.maxBytes });
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
    const exceeded = end();
    return exceeded && found(exceeded);
  } catch (error) {
    // Whatever was thrown on the way out of a limit is a consequence of it.
    return found(end() ?? error);
  }
}

function found(thrown: unknown): Finding {
  const error = thrown instanceof Error ? thrown : new Violation(`thrown: ${String(thrown)}`);
  return { error, key: keyOf(error) };
}

/** The same for the same mistake, whatever the numbers in its message: class, first words, and where it was thrown. */
function keyOf(error: Error): string {
  const words = error.message.replaceAll(/0x[0-9a-f]+|\d+|'[^']*'/gi, '#').slice(0, 60);
  const frame = /\/((?:packages|apps|fuzz)\/[^\s)]+?):\d+\)?$/m.exec(error.stack ?? '')?.[1] ?? '';
  return `${error.name}: ${words} @ ${frame}`;
}
