import { outputLines, type OutputLines } from './output-lines.ts';

let made: OutputLines | undefined;

/** Standard output, written to at once and whole, which no reader that has gone away can disturb. */
export const standardOutput = {
  write(text: string): void {
    made ??= outputLines(1);
    made.write(text);
  },
};
