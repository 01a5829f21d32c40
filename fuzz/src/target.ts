/** Something that has to bear any input. */
export interface Target {
  /**
   * Does with it what the input says, on new objects, and checks what must hold. It behaves the same every time.
   *
   * @throws Error for a finding, of whatever class; a mistake that an API promises to throw is caught here
   */
  run(input: Uint8Array): void | Promise<void>;
  /** Inputs to begin with, which reach as far as well-meant ones do. */
  readonly seeds: readonly Uint8Array[];
  /** Longest input, in bytes. */
  readonly maxLength: number;
  /** Points of instrumented code that an input of so many bytes may pass. */
  maxSteps(length: number): number;
  /** Bytes that an input may make the code allocate in all. */
  readonly maxBytes: number;
}

/** Something that must hold does not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** @throws Violation */
export function must(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Violation(otherwise());
}

/** An input of text. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
