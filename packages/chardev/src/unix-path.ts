import { listenAtPath, SocketPathError, type ListeningSocket, type SocketPathProblem } from '@vpmem/native';
import { ChardevError, type ChardevErrorCode } from './chardev-error.ts';

const CODES: Readonly<Record<SocketPathProblem, ChardevErrorCode>> = {
  'too-long': 'socket-path',
  'no-socket': 'socket-path',
  unknown: 'socket-path',
  'in-use': 'socket-in-use',
  refused: 'listen',
};

/** Listens at `path`, for a monitor; see native's `listenAtPath`. @throws ChardevError with nothing changed */
export function listenAt(path: string): ListeningSocket {
  try {
    return listenAtPath(path);
  } catch (error) {
    if (!(error instanceof SocketPathError)) throw error;
    const { problem, message } = error;
    throw new ChardevError(CODES[problem], problem === 'too-long' ? `the ${message}` : message, { cause: error });
  }
}
