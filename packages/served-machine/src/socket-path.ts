import { MachineError } from '@vpmem/machine';
import { listenAtPath, SocketPathError, type ListeningSocket } from '@vpmem/native';

/** Listens at `path`, for a device; see native's `listenAtPath`. @throws MachineError with nothing changed */
export function listenAt(path: string): ListeningSocket {
  try {
    return listenAtPath(path);
  } catch (error) {
    if (!(error instanceof SocketPathError)) throw error;
    const { problem, message } = error;
    if (problem === 'in-use') {
      throw new MachineError('socket-in-use', 'socket', `somebody is already serving at '${path}'; name another path with socket=`, { cause: error });
    }
    throw new MachineError('socket-path', 'socket', problem === 'too-long' ? `socket ${message}` : message, { cause: error });
  }
}
