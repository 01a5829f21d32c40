import { hit, loaded, made } from './coverage.ts';
import { instrument } from './instrument.ts';
import type { Target } from './target.ts';

/** A target made of a function's body, which gets `input`, for tests of the fuzzer itself. */
export function planted(body: string, limits: Partial<Pick<Target, 'maxSteps' | 'maxBytes' | 'seeds'>> = {}): Target {
  const { code } = instrument(`return (input) => { ${body} }`, 'planted.js', 'coverage');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the tests' own text
  const make = new Function('$hit', '$made', '$loaded', code.replace(/^import [^;]*; /, '')) as (...by: unknown[]) => (input: Uint8Array) => void;
  return { run: make(hit, made, loaded), seeds: [], maxLength: 64, maxSteps: () => 10_000, maxBytes: 2 ** 20, ...limits };
}
