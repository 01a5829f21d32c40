import { connect, type Socket } from 'node:net';
import { ChardevError } from './chardev-error.ts';
import { describeChardev, type SocketOptions } from './chardev-options.ts';
import { ConnectedChardev } from './connected-chardev.ts';
import { Connection } from './connection.ts';

/** A socket that connects out, once. @throws ChardevError if there is nobody */
export async function connectOut(options: SocketOptions): Promise<ConnectedChardev> {
  const socket = connect({ ...options.address, allowHalfOpen: true, noDelay: true });
  try {
    await connected(socket);
  } catch (error) {
    throw new ChardevError('connect', `cannot connect to ${describeChardev(options)}: ${(error as Error).message}; listen with server=on, or start what listens there first`, {
      cause: error,
    });
  }
  return new ConnectedChardev(describeChardev(options), new Connection(socket, socket, { telnet: options.telnet }));
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
