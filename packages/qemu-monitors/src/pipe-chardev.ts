import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { ConnectedChardev, Connection } from '@vpmem/chardev';
import { MonitorError } from '@vpmem/monitor';

/** Two FIFOs, `PATH.in` and `PATH.out`, or one for both ways, as QEMU's `-chardev pipe` has them. @throws MonitorError */
export function openPipe(path: string): ConnectedChardev {
  const [input, output] = openBoth(path);
  const read = new Socket({ fd: input, readable: true, writable: false });
  return new ConnectedChardev('pipe', new Connection(read, new Socket({ fd: output, readable: false, writable: true })));
}

/** Open for both ways, so that nobody has to be at the other end yet, and nobody's leaving ends it. */
const FLAGS = constants.O_RDWR | constants.O_NONBLOCK;

function openBoth(path: string): [input: number, output: number] {
  let input: number | undefined;
  try {
    input = openSync(`${path}.in`, FLAGS);
    return [input, openSync(`${path}.out`, FLAGS)];
  } catch (error) {
    if (input !== undefined) closeSync(input);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw refused(path, error);
  }
  try {
    return [openSync(path, FLAGS), openSync(path, FLAGS)];
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: string, error: unknown): MonitorError {
  return new MonitorError('connect', `cannot open the pipe '${path}': ${(error as Error).message}; make the FIFOs ${path}.in and ${path}.out with mkfifo first`, { cause: error });
}
