import { destination, type DestinationStream } from 'pino';

let made: DestinationStream | undefined;

/** Standard output, written to at once and whole, which no reader that has gone away can disturb. */
export const standardOutput = {
  write(text: string): void {
    made ??= destination({ dest: 1, sync: true }).on('error', () => undefined);
    made.write(text);
  },
};
